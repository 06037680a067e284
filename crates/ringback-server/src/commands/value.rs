//! Parsers of values whose form is known, so that a mistake is refused before any request, with the flag's name.

use std::{collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use ringback::{
    event::{is_key, is_tenant, is_type},
    metadata::{is_name, is_value},
    operate::find::Sought,
    time::parse_duration,
    word::Word,
};
use url::Url;

/// A tenant.
pub(super) fn tenant(text: &str) -> Result<String, String> {
    checked(text, is_tenant, "1 to 128 of the characters A-Z a-z 0-9 _ . : -")
}

/// A type of events.
pub(super) fn event_type(text: &str) -> Result<String, String> {
    checked(text, is_type, "1 to 128 of the characters A-Z a-z 0-9 _ . -")
}

/// A key of an event or an endpoint.
pub(super) fn key(text: &str) -> Result<String, String> {
    checked(text, is_key, "1 to 256 characters without control characters")
}

/// What `ringback find` may look for.
pub(super) fn sought(text: &str) -> Result<String, String> {
    let is_sought = |text: &str| Sought::of(text).is_some();
    checked(text, is_sought, "an id, or 1 to 256 characters without control characters")
}

/// One of the engine's words, kept as text. Their meanings are left to the API's document: in `--help` they would make every
/// flag of the command take three lines.
pub(super) fn word<T: Word>() -> PossibleValuesParser {
    some_of(T::ALL)
}

/// One of some of the engine's words.
pub(super) fn some_of<T: Word>(words: &[T]) -> PossibleValuesParser {
    words.iter().map(|word| word.name()).collect::<Vec<_>>().into()
}

/// One of the engine's words, as itself.
pub(super) fn parsed<T: Word + Send + Sync>() -> impl TypedValueParser<Value = T> {
    word::<T>().try_map(|text| text.parse::<T>())
}

/// An entry of metadata.
pub(super) fn entry(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must have the form NAME=VALUE")?;
    if !is_name(name) {
        return Err("must have a name of 1 to 64 of the characters A-Z a-z 0-9 _ . - before =".to_owned());
    }
    if !is_value(value) {
        return Err("must have at most 256 characters without control characters behind =".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Entries of metadata by their names, of which none may be given twice.
pub(super) fn entries(given: &[(String, String)]) -> crate::failure::Result<BTreeMap<&str, &str>> {
    let mut entries = BTreeMap::new();
    for (name, value) in given {
        if entries.insert(name.as_str(), value.as_str()).is_some() {
            return Err(crate::failure::Failure::usage(format!("--metadata: {name} is given twice")));
        }
    }
    Ok(entries)
}

/// An id of one kind, kept as text.
pub(super) fn id<I: FromStr<Err: Display>>(text: &str) -> Result<String, String> {
    text.parse::<I>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// A duration such as `10s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "not a whole number and one of ms s m h d, such as 10s".to_owned())
}

/// A duration, as the API's documents have it.
pub(super) fn milliseconds(text: &str) -> Result<u64, String> {
    duration(text).map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// A rate above zero.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "not a number above 0, such as 20 or 0.5".to_owned())
}

/// A fraction.
pub(super) fn fraction(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|part| (0.0..=1.0).contains(part)).ok_or_else(|| "not a number from 0 to 1".to_owned())
}

/// A URL of HTTP, kept as it is written.
pub(super) fn url(text: &str) -> Result<String, String> {
    let right = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if right { Ok(text.to_owned()) } else { Err("not a URL such as https://example.com/hook".to_owned()) }
}

fn checked(text: &str, is_right: fn(&str) -> bool, rule: &str) -> Result<String, String> {
    if is_right(text) { Ok(text.to_owned()) } else { Err(format!("must be {rule}")) }
}

#[cfg(test)]
mod tests {
    use ringback::id::EndpointId;

    use super::*;

    #[test]
    fn what_is_not_right_is_refused_with_the_rule() {
        assert!(tenant("a b").unwrap_err().contains("A-Z"));
        assert!(key("").is_err() && key("call 42").is_ok());
        assert!(id::<EndpointId>("ep_1").is_err());
        assert!(id::<EndpointId>("ep_00000000000000000000000000000001").is_ok());
        for wrong in ["0", "-1", "NaN", "inf", "many"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
        assert!(fraction("1.1").is_err() && fraction("0.2").is_ok());
    }
}
