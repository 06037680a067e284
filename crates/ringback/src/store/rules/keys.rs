//! Keys that stand beside a text that people look for.

/// Events that are looked at for so many keys on either side: a call has a handful of events under one key.
pub const EVENTS_FOR_KEYS: u32 = 200;

/// The nearest keys before the text, and those from it on, in one order, each once; at most `most` of either.
#[must_use]
pub fn near(before: Vec<String>, mut after: Vec<String>, most: u32) -> Vec<String> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut near = before;
    near.dedup();
    near.truncate(most);
    near.reverse();
    after.dedup();
    after.truncate(most);
    near.append(&mut after);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_either_side_stand_in_one_order_each_once() {
        let keys = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        let found = near(keys(&["d", "d", "c", "b"]), keys(&["e", "e", "f", "g"]), 2);
        assert_eq!(found, keys(&["c", "d", "e", "f"]));
        assert_eq!(near(Vec::new(), Vec::new(), 2), keys(&[]));
    }
}
