//! The functions and operators that a filter may call: those of CEL's standard library that make sense for JSON.

use std::{cmp::Ordering, rc::Rc};

use super::{
    Failed,
    judge::Budget,
    value::{Text, Value},
};

macro_rules! functions {
    ($($variant:ident = $name:literal, $count:literal;)+) => {
        /// A function or an operator, all of whose arguments have values.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function { $($variant),+ }

        impl Function {
            /// The one with this name and so many arguments, the one before the dot included.
            pub(super) fn named(name: &str, count: usize) -> Option<Self> {
                match (name, count) { $(($name, $count) => Some(Self::$variant),)+ _ => None }
            }

            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

functions! {
    Equals = "_==_", 2;
    Differs = "_!=_", 2;
    Less = "_<_", 2;
    LessOrEqual = "_<=_", 2;
    Greater = "_>_", 2;
    GreaterOrEqual = "_>=_", 2;
    Add = "_+_", 2;
    Subtract = "_-_", 2;
    Multiply = "_*_", 2;
    Divide = "_/_", 2;
    Modulo = "_%_", 2;
    Negate = "-_", 1;
    Index = "_[_]", 2;
    In = "@in", 2;
    Size = "size", 1;
    Contains = "contains", 2;
    StartsWith = "startsWith", 2;
    EndsWith = "endsWith", 2;
    ToInt = "int", 1;
    ToUint = "uint", 1;
    ToDouble = "double", 1;
    ToText = "string", 1;
    ToBool = "bool", 1;
    Dyn = "dyn", 1;
}

/// The names of those that are written as functions, for messages.
pub(super) const KNOWN: &str =
    "size contains startsWith endsWith matches int uint double string bool dyn has all exists exists_one map filter";

impl Function {
    /// Whether its value can never be true or false.
    pub(super) const fn is_no_condition(self) -> bool {
        matches!(
            self,
            Self::Add
                | Self::Subtract
                | Self::Multiply
                | Self::Divide
                | Self::Modulo
                | Self::Negate
                | Self::Size
                | Self::ToInt
                | Self::ToUint
                | Self::ToDouble
                | Self::ToText
        )
    }

    /// Its value.
    pub(super) fn of<'e>(self, arguments: Vec<Value<'e>>, budget: &mut Budget) -> Result<Value<'e>, Failed> {
        match <[Value<'e>; 2]>::try_from(arguments) {
            Ok([one, two]) => self.of_two(one, two, budget),
            Err(mut one) => match one.pop() {
                Some(only) => self.of_one(only, budget),
                None => Err(Failed::NoValue(format!("{} has no argument", self.name()))),
            },
        }
    }

    fn of_one<'e>(self, value: Value<'e>, budget: &mut Budget) -> Result<Value<'e>, Failed> {
        let none = |value: &Value<'e>| Err(Failed::NoValue(format!("{} is not for a {}", self.shown(), value.kind())));
        let beyond = || Failed::NoValue(format!("{} goes beyond what its type holds", self.shown()));
        Ok(match (self, value) {
            (Self::Size, Value::Text(text)) => {
                budget.spend_bytes(text.len())?;
                Value::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
            }
            (Self::Size, value) => match value.count() {
                Some(count) => Value::Int(i64::try_from(count).unwrap_or(i64::MAX)),
                None => return none(&value),
            },
            (Self::Negate, Value::Int(number)) => Value::Int(number.checked_neg().ok_or_else(beyond)?),
            (Self::Negate, Value::Double(number)) => Value::Double(-number),
            (Self::Dyn, value) => value,
            (Self::ToText, value) => match text_of(value) {
                Ok(text) => Value::Text(text),
                Err(value) => return none(&value),
            },
            (Self::ToBool, Value::Bool(flag)) => Value::Bool(flag),
            (Self::ToBool, Value::Text(text)) => match &*text {
                "true" | "True" | "TRUE" | "t" | "1" => Value::Bool(true),
                "false" | "False" | "FALSE" | "f" | "0" => Value::Bool(false),
                _ => return Err(Failed::NoValue("bool is not for this string".to_owned())),
            },
            (Self::ToDouble, Value::Double(number)) => Value::Double(number),
            (Self::ToDouble, Value::Int(number)) => Value::Double(number as f64),
            (Self::ToDouble, Value::Uint(number)) => Value::Double(number as f64),
            (Self::ToDouble, Value::Text(text)) => Value::Double(read(self, &text, budget)?),
            (Self::ToInt, Value::Int(number)) => Value::Int(number),
            (Self::ToInt, Value::Uint(number)) => Value::Int(i64::try_from(number).map_err(|_| beyond())?),
            (Self::ToInt, Value::Double(number)) if number.abs() < I64_END => Value::Int(number as i64),
            (Self::ToInt, Value::Text(text)) => Value::Int(read(self, &text, budget)?),
            (Self::ToUint, Value::Uint(number)) => Value::Uint(number),
            (Self::ToUint, Value::Int(number)) => Value::Uint(u64::try_from(number).map_err(|_| beyond())?),
            (Self::ToUint, Value::Double(number)) if (0.0..U64_END).contains(&number) => Value::Uint(number as u64),
            (Self::ToUint, Value::Text(text)) => Value::Uint(read(self, &text, budget)?),
            (Self::ToInt | Self::ToUint, Value::Double(_)) => return Err(beyond()),
            (_, value) => return none(&value),
        })
    }

    fn of_two<'e>(self, one: Value<'e>, two: Value<'e>, budget: &mut Budget) -> Result<Value<'e>, Failed> {
        let is = |wanted: fn(Ordering) -> bool, found: Option<Ordering>| Value::Bool(found.is_some_and(wanted));
        Ok(match self {
            Self::Equals => Value::Bool(one.equals(&two, budget)?),
            Self::Differs => Value::Bool(!one.equals(&two, budget)?),
            Self::Less => is(Ordering::is_lt, one.compare(&two, budget)?),
            Self::LessOrEqual => is(Ordering::is_le, one.compare(&two, budget)?),
            Self::Greater => is(Ordering::is_gt, one.compare(&two, budget)?),
            Self::GreaterOrEqual => is(Ordering::is_ge, one.compare(&two, budget)?),
            Self::In => Value::Bool(is_in(&one, &two, budget)?),
            Self::Index => index(&one, &two, budget)?,
            Self::Contains | Self::StartsWith | Self::EndsWith => match (&one, &two) {
                (Value::Text(text), Value::Text(part)) => {
                    budget.spend_bytes(text.len() + part.len())?;
                    Value::Bool(match self {
                        Self::Contains => text.contains(&**part),
                        Self::StartsWith => text.starts_with(&**part),
                        _ => text.ends_with(&**part),
                    })
                }
                _ => return Err(self.is_not_for(&one, &two)),
            },
            _ => self.computed(one, two, budget)?,
        })
    }

    fn computed<'e>(self, one: Value<'e>, two: Value<'e>, budget: &mut Budget) -> Result<Value<'e>, Failed> {
        let is_by_zero = matches!(two, Value::Int(0) | Value::Uint(0)) && matches!(self, Self::Divide | Self::Modulo);
        let beyond = || {
            let why = if is_by_zero { "divides by zero" } else { "goes beyond what its type holds" };
            Failed::NoValue(format!("{} {why}", self.shown()))
        };
        Ok(match (one, two) {
            (Value::Int(one), Value::Int(two)) => Value::Int(
                match self {
                    Self::Add => one.checked_add(two),
                    Self::Subtract => one.checked_sub(two),
                    Self::Multiply => one.checked_mul(two),
                    Self::Divide => one.checked_div(two),
                    _ => one.checked_rem(two),
                }
                .ok_or_else(beyond)?,
            ),
            (Value::Uint(one), Value::Uint(two)) => Value::Uint(
                match self {
                    Self::Add => one.checked_add(two),
                    Self::Subtract => one.checked_sub(two),
                    Self::Multiply => one.checked_mul(two),
                    Self::Divide => one.checked_div(two),
                    _ => one.checked_rem(two),
                }
                .ok_or_else(beyond)?,
            ),
            (Value::Double(one), Value::Double(two)) if self != Self::Modulo => Value::Double(match self {
                Self::Add => one + two,
                Self::Subtract => one - two,
                Self::Multiply => one * two,
                _ => one / two,
            }),
            (Value::Text(one), Value::Text(two)) if self == Self::Add => {
                budget.spend_bytes(one.len() + two.len())?;
                Value::Text([&*one, &*two].concat().into())
            }
            (one, two) => match (one.kind(), two.kind()) {
                ("list", "list") if self == Self::Add => {
                    let (front, back) = (one.count().unwrap_or(0), two.count().unwrap_or(0));
                    budget.spend(front + back)?;
                    let items = (0..front).filter_map(|at| one.item(at)).chain((0..back).filter_map(|at| two.item(at)));
                    Value::List(Rc::new(items.collect()))
                }
                _ => return Err(self.is_not_for(&one, &two)),
            },
        })
    }

    fn is_not_for(self, one: &Value<'_>, two: &Value<'_>) -> Failed {
        Failed::NoValue(format!("{} is not for a {} and a {}", self.shown(), one.kind(), two.kind()))
    }

    /// As it is written in a filter.
    fn shown(self) -> &'static str {
        self.name().trim_matches(['_', '@'])
    }
}

/// Whole numbers of 64 bits end here, with and without a sign.
const I64_END: f64 = 9_223_372_036_854_775_808.0;
const U64_END: f64 = 18_446_744_073_709_551_616.0;

fn read<T: std::str::FromStr>(function: Function, text: &str, budget: &mut Budget) -> Result<T, Failed> {
    budget.spend_bytes(text.len())?;
    text.parse().map_err(|_| Failed::NoValue(format!("{} is not for this string", function.shown())))
}

fn text_of(value: Value<'_>) -> Result<Text<'_>, Value<'_>> {
    Ok(match value {
        Value::Text(text) => text,
        Value::Bool(flag) => flag.to_string().into(),
        Value::Int(number) => number.to_string().into(),
        Value::Uint(number) => number.to_string().into(),
        Value::Double(number) => number.to_string().into(),
        other => return Err(other),
    })
}

fn is_in(one: &Value<'_>, all: &Value<'_>, budget: &mut Budget) -> Result<bool, Failed> {
    match all.kind() {
        "map" => Ok(all.entry(one, budget)?.is_some()),
        "list" => {
            for at in 0..all.count().unwrap_or(0) {
                if let Some(item) = all.item(at)
                    && item.equals(one, budget)?
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        kind => Err(Failed::NoValue(format!("in is not for a {kind}"))),
    }
}

fn index<'e>(all: &Value<'e>, at: &Value<'e>, budget: &mut Budget) -> Result<Value<'e>, Failed> {
    let absent = || match at {
        Value::Text(name) => Failed::NoValue(format!("there is no {}", short(name))),
        _ => Failed::NoValue("there is nothing at this index".to_owned()),
    };
    match (all.kind(), at) {
        ("map", at) => all.entry(at, budget)?.ok_or_else(absent),
        ("list", Value::Int(at)) => usize::try_from(*at).ok().and_then(|at| all.item(at)).ok_or_else(absent),
        ("list", Value::Uint(at)) => usize::try_from(*at).ok().and_then(|at| all.item(at)).ok_or_else(absent),
        (kind, at) => Err(Failed::NoValue(format!("a {kind} has no index that is a {}", at.kind()))),
    }
}

/// A name of the payload's in a message: no more of it than is needed to find it.
pub(super) fn short(name: &str) -> &str {
    &name[..name.floor_char_boundary(64)]
}
