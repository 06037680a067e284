//! Query parameters: each may be given once, and unknown ones are refused by name.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use ringback::{store::Span, time::Timestamp, word::Word};

use crate::{
    api::Api,
    problem::{Fault, Problem},
};

/// What a route takes from its query.
pub(crate) trait FromParameters: Sized {
    /// Takes every parameter that the route knows.
    fn read(parameters: &mut Parameters) -> Self;
}

/// The query of a request.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromParameters> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let mut parameters = Parameters::of(parts.uri.query().unwrap_or_default());
        let read = T::read(&mut parameters);
        parameters.finish()?;
        Ok(Self(read))
    }
}

/// Parameters that have not been taken yet, and what was wrong with those that have.
#[derive(Debug)]
pub(crate) struct Parameters {
    all: Vec<(String, String)>,
    taken: Vec<&'static str>,
    /// What names of taken parameters begin with.
    prefixes: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl Parameters {
    pub(crate) fn of(query: &str) -> Self {
        let mut parameters = Self { all: Vec::new(), taken: Vec::new(), prefixes: Vec::new(), faults: Vec::new() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (text(name), text(value)) {
                (Ok(name), Ok(value)) => parameters.all.push((name, value)),
                (Ok(name) | Err(name), _) => parameters.refuse(&name, "malformed", "is not UTF-8 text"),
            }
        }
        parameters
    }

    /// Refuses all parameters, for a route that takes none.
    pub(crate) fn refuse_all(self) -> Result<(), Problem> {
        self.finish()
    }

    /// A parameter that must keep a rule.
    pub(crate) fn text(&mut self, name: &'static str, rule: fn(&str) -> bool) -> Option<String> {
        let text = self.take(name)?;
        if rule(&text) {
            return Some(text);
        }
        self.refuse(name, "malformed", "has characters or a length that it cannot have");
        None
    }

    /// A parameter that must be there and keep a rule.
    pub(crate) fn must_have(&mut self, name: &'static str, rule: fn(&str) -> bool) -> Option<String> {
        if !self.all.iter().any(|(given, _)| given == name) {
            self.taken.push(name);
            self.refuse(name, "required", "is missing");
            return None;
        }
        self.text(name, rule)
    }

    /// A parameter that is written in a form of its own: an id, a time.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        let parsed = self.take(name)?.parse();
        parsed.map_err(|error| self.refuse(name, "malformed", format!("is {error}"))).ok()
    }

    /// A moment. A `+` that was not escaped is a space in a query: before an offset a space can only be such a `+`.
    pub(crate) fn moment(&mut self, name: &'static str) -> Option<Timestamp> {
        let given = self.take(name)?;
        let meant = match given.rsplit_once(' ') {
            Some((moment, offset)) if moment.contains(['T', 't']) && offset.len() == 5 => format!("{moment}+{offset}"),
            _ => given,
        };
        meant.parse().map_err(|error| self.refuse(name, "malformed", format!("is {error}"))).ok()
    }

    /// The moments from which and before which something counts.
    pub(crate) fn span(&mut self) -> Span {
        Span { since: self.moment("since"), until: self.moment("until") }
    }

    /// A parameter that is one of the engine's words.
    pub(crate) fn word<T: Word>(&mut self, name: &'static str) -> Option<T> {
        self.one_of(name, T::ALL)
    }

    /// A parameter that is one of some of the engine's words.
    pub(crate) fn one_of<T: Word>(&mut self, name: &'static str, words: &[T]) -> Option<T> {
        let names: Vec<_> = words.iter().map(|word| word.name()).collect();
        let place = self.place(name, &names)?;
        words.get(place).copied()
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        Some(self.place(name, &["true", "false"])? == 0)
    }

    /// Which of the names the parameter is.
    pub(crate) fn place(&mut self, name: &'static str, names: &[&str]) -> Option<usize> {
        let given = self.take(name)?;
        let place = names.iter().position(|name| *name == given);
        if place.is_none() {
            self.refuse(name, "unknown_value", format!("must be one of: {}", names.join(", ")));
        }
        place
    }

    /// A whole number within bounds.
    pub(crate) fn number(&mut self, name: &'static str, least: u32, most: u32) -> Option<u32> {
        let number = self.take(name)?.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.refuse(name, "out_of_range", format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    /// A duration as the configuration writes it, or a number of seconds.
    pub(crate) fn duration(&mut self, name: &'static str) -> Option<std::time::Duration> {
        let duration = crate::api::figures::duration(&self.take(name)?);
        if duration.is_none() {
            self.refuse(name, "malformed", "is no duration such as 15m, 1h or 1d");
        }
        duration
    }

    /// Parameters whose names begin so: what follows there, and their values. Both must keep their rules.
    pub(crate) fn under(
        &mut self,
        prefix: &'static str,
        name_rule: fn(&str) -> bool,
        value_rule: fn(&str) -> bool,
    ) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        self.prefixes.push(prefix);
        let under: Vec<_> = self.all.iter().filter(|(name, _)| name.starts_with(prefix)).cloned().collect();
        for (name, value) in under {
            let entry = &name[prefix.len()..];
            if !name_rule(entry) || !value_rule(&value) {
                self.refuse(&name, "malformed", "has characters or a length that it cannot have");
            } else if found.insert(entry.to_owned(), value).is_some() {
                self.refuse(&name, "duplicate_parameter", "stands here twice");
            }
        }
        found
    }

    /// Any text.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<String> {
        self.taken.push(name);
        let mut values = self.all.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone());
        let first = values.next();
        if values.next().is_some() {
            self.refuse(name, "duplicate_parameter", "stands here twice");
        }
        first
    }

    /// All parameters except `limit` and `cursor`, in a fixed order.
    pub(crate) fn conditions(&self) -> String {
        let mut conditions: Vec<_> =
            self.all.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "cursor")).collect();
        conditions.sort();
        format!("{conditions:?}")
    }

    /// A finding of a parameter.
    pub(crate) fn refuse(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.push(Fault::parameter(name, code, detail));
    }

    /// Refuses the request if anything was wrong, or was left over.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let known = match &self.taken[..] {
            [] => "this route takes none".to_owned(),
            taken => format!("known are: {}", taken.join(", ")),
        };
        let unknown: Vec<_> = self
            .all
            .iter()
            .filter(|(name, _)| !self.taken.contains(&name.as_str()))
            .filter(|(name, _)| !self.prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in unknown {
            self.refuse(&name, "unknown_parameter", format!("is no parameter here; {known}"));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::bad_request(self.faults)) }
    }
}

/// Decodes a name or value of a form; an error has the readable parts of it.
fn text(encoded: &str) -> Result<String, String> {
    let spaced = encoded.replace('+', " ");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    String::from_utf8(bytes).map_err(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_parameter_is_named() {
        let mut parameters = Parameters::of("limit=0&since=yesterday&status=lost&nonsense=1&key=a&key=b");
        assert_eq!(parameters.number("limit", 1, 1000), None);
        assert_eq!(parameters.moment("since"), None);
        assert_eq!(parameters.word::<ringback::delivery::Status>("status"), None);
        parameters.take("key");
        let faults = parameters.faults.clone();
        assert!(parameters.finish().is_err());
        assert_eq!(faults.len(), 4);
        let body = serde_json::to_value(faults).unwrap();
        assert_eq!(body[0]["parameter"], "limit");
        assert_eq!(body[2]["code"], "unknown_value");
        assert_eq!(body[3]["code"], "duplicate_parameter");
    }

    #[test]
    fn a_moment_may_have_an_offset_whose_plus_came_as_a_space() {
        let moment = |query: &str| Parameters::of(query).moment("since").map(|moment| moment.to_string());
        for query in ["since=2026-01-31T12:00:00+10:00", "since=2026-01-31T12:00:00%2B10:00"] {
            assert_eq!(moment(query).as_deref(), Some("2026-01-31T02:00:00Z"), "{query}");
        }
        assert_eq!(moment("since=2026-01-31T12:00:00.5-10:00").as_deref(), Some("2026-01-31T22:00:00.5Z"));
        assert_eq!(moment("since=9999-12-31T23:59:59Z").as_deref(), Some("9999-12-31T23:59:59Z"));
        for query in ["since=2026-01-31+12:00", "since=+10:00", "since=2026-01-31T12:00:00+", "since=a+b"] {
            let mut parameters = Parameters::of(query);
            assert_eq!(parameters.moment("since"), None, "{query}");
            assert!(parameters.finish().is_err(), "{query}");
        }
    }

    #[test]
    fn only_text_is_a_value() {
        let mut parameters = Parameters::of("key=a%20b+%C3%BC&type=%ff&&host");
        assert_eq!(parameters.take("key").as_deref(), Some("a b \u{fc}"));
        assert_eq!((parameters.take("type"), parameters.take("host").as_deref()), (None, Some("")));
        let body = serde_json::to_value(&parameters.faults).unwrap();
        assert_eq!(
            (&body[0]["parameter"], &body[0]["code"], body.as_array().unwrap().len()),
            (&"type".into(), &"malformed".into(), 1)
        );
    }

    #[test]
    fn the_order_of_conditions_does_not_matter() {
        let conditions = |query| Parameters::of(query).conditions();
        assert_eq!(conditions("type=a&key=b&limit=5"), conditions("cursor=x&key=b&type=a"));
        assert_ne!(conditions("type=a"), conditions("type=b"));
    }
}
