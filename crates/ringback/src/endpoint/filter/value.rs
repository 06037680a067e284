//! The values of CEL, borrowed from the event where they are part of it.

use std::{cmp::Ordering, ops::Deref, rc::Rc};

use serde_json::{Map, Value as Json};

use super::{Failed, judge::Budget};

/// A text. A copy of one costs no more than a number's, however long it is: filters copy values without a step for each byte.
#[derive(Debug, Clone)]
pub(super) enum Text<'e> {
    Here(&'e str),
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Here(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'e> From<&'e str> for Text<'e> {
    fn from(text: &'e str) -> Self {
        Self::Here(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Made(text.into())
    }
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value<'e> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Text<'e>),
    List(Rc<Vec<Value<'e>>>),
    Map(Rc<Vec<(Value<'e>, Value<'e>)>>),
    /// A list and an object of the payload.
    Items(&'e [Json]),
    Members(&'e Map<String, Json>),
}

impl<'e> From<&'e Json> for Value<'e> {
    fn from(json: &'e Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(large)) => Self::Uint(large),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(Text::Here(text)),
            Json::Array(items) => Self::Items(items),
            Json::Object(members) => Self::Members(members),
        }
    }
}

impl<'e> Value<'e> {
    /// What it is, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::List(_) | Self::Items(_) => "list",
            Self::Map(_) | Self::Members(_) => "map",
        }
    }

    /// How many elements a list or a map has.
    pub(super) fn count(&self) -> Option<usize> {
        Some(match self {
            Self::List(items) => items.len(),
            Self::Items(items) => items.len(),
            Self::Map(entries) => entries.len(),
            Self::Members(members) => members.len(),
            _ => return None,
        })
    }

    /// An element of a list.
    pub(super) fn item(&self, index: usize) -> Option<Self> {
        match self {
            Self::List(items) => items.get(index).cloned(),
            Self::Items(items) => items.get(index).map(Self::from),
            _ => None,
        }
    }

    /// A value of a map, by its name; `Err` if it is no map.
    pub(super) fn member(&self, name: &str, budget: &mut Budget) -> Result<Option<Self>, Failed> {
        match self {
            Self::Members(members) => Ok(members.get(name).map(Self::from)),
            Self::Map(entries) => {
                budget.spend(entries.len())?;
                let is_it = |key: &Self| matches!(key, Self::Text(text) if **text == *name);
                Ok(entries.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value.clone()))
            }
            other => Err(Failed::NoValue(format!("a {} has no field {name}", other.kind()))),
        }
    }

    /// Its elements and, for a map, their names, one after the other, for a loop.
    pub(super) fn at(&self, index: usize) -> Option<(Self, Self)> {
        let numbered = |item: Self| (Self::Int(i64::try_from(index).unwrap_or(i64::MAX)), item);
        match self {
            Self::List(_) | Self::Items(_) => self.item(index).map(numbered),
            Self::Map(entries) => entries.get(index).cloned(),
            _ => None,
        }
    }

    /// The same with the members of an object in a list, so that each can be reached by its index.
    pub(super) fn listed(self, budget: &mut Budget) -> Result<Self, Failed> {
        let Self::Members(members) = self else { return Ok(self) };
        budget.spend(members.len())?;
        let entries = members.iter().map(|(name, value)| (Self::Text(Text::Here(name)), Self::from(value)));
        Ok(Self::Map(Rc::new(entries.collect())))
    }

    /// Whether two values are the same. Numbers are compared by what they say, whatever their types.
    pub(super) fn equals(&self, other: &Self, budget: &mut Budget) -> Result<bool, Failed> {
        budget.spend(1)?;
        match (self, other) {
            (Self::Null, Self::Null) => Ok(true),
            (Self::Bool(one), Self::Bool(two)) => Ok(one == two),
            (Self::Text(one), Self::Text(two)) => {
                budget.spend_bytes(one.len().min(two.len()))?;
                Ok(**one == **two)
            }
            _ if self.is_number() && other.is_number() => Ok(compared(self, other) == Some(Ordering::Equal)),
            (Self::List(_) | Self::Items(_), Self::List(_) | Self::Items(_)) => {
                let count = self.count();
                if count != other.count() {
                    return Ok(false);
                }
                for index in 0..count.unwrap_or(0) {
                    if let (Some(one), Some(two)) = (self.item(index), other.item(index))
                        && !one.equals(&two, budget)?
                    {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Self::Map(_) | Self::Members(_), Self::Map(_) | Self::Members(_)) => {
                if self.count() != other.count() {
                    return Ok(false);
                }
                let Self::Map(entries) = self.clone().listed(budget)? else { return Ok(false) };
                for (name, value) in entries.iter() {
                    let found = match name {
                        Self::Text(name) => other.member(name, budget)?,
                        name => other.entry(name, budget)?,
                    };
                    match found {
                        Some(theirs) if value.equals(&theirs, budget)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// A value of a map, by a key of any type.
    pub(super) fn entry(&self, key: &Self, budget: &mut Budget) -> Result<Option<Self>, Failed> {
        if let Self::Text(name) = key {
            return self.member(name, budget);
        }
        let Self::Map(entries) = self else { return Ok(None) };
        for (name, value) in entries.iter() {
            if name.equals(key, budget)? {
                return Ok(Some(value.clone()));
            }
        }
        Ok(None)
    }

    /// Which of two values is greater.
    pub(super) fn compare(&self, other: &Self, budget: &mut Budget) -> Result<Option<Ordering>, Failed> {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => {
                budget.spend_bytes(one.len().min(two.len()))?;
                Ok(Some((**one).cmp(&**two)))
            }
            (Self::Bool(one), Self::Bool(two)) => Ok(Some(one.cmp(two))),
            _ if self.is_number() && other.is_number() => Ok(compared(self, other)),
            _ => Err(Failed::NoValue(format!("a {} and a {} have no order", self.kind(), other.kind()))),
        }
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Uint(_) | Self::Double(_))
    }
}

/// The order of two numbers; none if one of them is no number at all.
fn compared(one: &Value<'_>, two: &Value<'_>) -> Option<Ordering> {
    match (one, two) {
        (Value::Double(one), Value::Double(two)) => one.partial_cmp(two),
        (Value::Double(one), two) => with_whole(*one, whole(two)?),
        (one, Value::Double(two)) => with_whole(*two, whole(one)?).map(Ordering::reverse),
        (one, two) => Some(whole(one)?.cmp(&whole(two)?)),
    }
}

const fn whole(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(whole) => Some(*whole as i128),
        Value::Uint(whole) => Some(*whole as i128),
        _ => None,
    }
}

/// The order of a number with a fraction and a whole one, without rounding.
fn with_whole(double: f64, whole: i128) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // `as` stops at the ends of the range, which are beyond every whole number here.
    let floor = double.floor() as i128;
    Some(floor.cmp(&whole).then(if double.fract() == 0.0 { Ordering::Equal } else { Ordering::Greater }))
}
