//! The names of one object, and the order that JavaScript gives them (ECMAScript, OrdinaryOwnPropertyKeys).

/// Largest array index in JavaScript.
const INDEX_MAX: u32 = u32::MAX - 1;

/// The names of an object so far, as they are written.
#[derive(Default)]
pub(super) struct Members<'a> {
    names: Vec<&'a str>,
    last_index: Option<u32>,
    has_other: bool,
}

impl<'a> Members<'a> {
    /// Adds a name; true if JavaScript would keep it in this place.
    pub(super) fn add(&mut self, name: &'a str) -> bool {
        self.names.push(name);
        match array_index(name) {
            Some(index) => {
                let in_place = !self.has_other && self.last_index.is_none_or(|last| last < index);
                self.last_index = Some(index);
                in_place
            }
            None => {
                self.has_other = true;
                true
            }
        }
    }

    /// The name that was added last.
    pub(super) fn last(&self) -> Option<&'a str> {
        self.names.last().copied()
    }

    /// A name that occurs twice. Right only if all names are written as JavaScript writes them: then equal names have
    /// equal text.
    pub(super) fn duplicate(mut self) -> Option<&'a str> {
        self.names.sort_unstable();
        self.names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

/// Digits without a leading zero, up to the largest array index.
fn array_index(name: &str) -> Option<u32> {
    let plain = name == "0" || !name.starts_with(['0', '+']);
    if plain && name.len() <= 10 { name.parse().ok().filter(|&index| index <= INDEX_MAX) } else { None }
}
