//! The rules for single fields of an endpoint or inline destination.

use crate::{event, invalid::Invalid};

/// Shortest and longest deadline of one attempt, in milliseconds.
const TIMEOUT_MS: std::ops::RangeInclusive<u32> = 100..=60_000;

/// Least and most open requests of one lane at a time.
const MAX_IN_FLIGHT: std::ops::RangeInclusive<u32> = 1..=1_000;

/// Most requests started per second that can be asked for: more is no limit.
const RATE_PER_SECOND_MAX: f64 = 100_000.0;

/// Most selectors of an endpoint: all vendors' types several times over.
const SELECTORS_MAX: usize = 256;

/// Longest `name`, in characters.
const NAME_CHARS_MAX: usize = 256;

/// Longest `description`, in characters.
const DESCRIPTION_CHARS_MAX: usize = 4_096;

pub(super) fn tenant(tenant: Option<&str>, invalid: &mut Invalid) {
    if tenant.is_some_and(|tenant| !event::is_tenant(tenant)) {
        invalid.add("/tenant", "malformed", "must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -");
    }
}

pub(super) fn key(key: Option<&str>, pointer: &str, invalid: &mut Invalid) {
    if key.is_some_and(|key| !event::is_key(key)) {
        invalid.add(pointer, "malformed", "must be 1 to 256 characters without control characters");
    }
}

pub(super) fn name(name: Option<&str>, invalid: &mut Invalid) {
    if name.is_some_and(|name| name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control)) {
        let detail = format!("must be at most {NAME_CHARS_MAX} characters without control characters");
        invalid.add("/name", "malformed", detail);
    }
}

pub(super) fn description(description: Option<&str>, invalid: &mut Invalid) {
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX || text.contains('\0')) {
        let detail = format!("must be at most {DESCRIPTION_CHARS_MAX} characters without a NUL");
        invalid.add("/description", "malformed", detail);
    }
}

pub(super) fn event_types(selectors: Option<&[String]>, invalid: &mut Invalid) {
    let Some(selectors) = selectors else {
        invalid.add("/event_types", "required", r#"is missing: name the types, or ["*"] for all, or [] for none"#);
        return;
    };
    if selectors.len() > SELECTORS_MAX {
        invalid.add("/event_types", "too_many", format!("at most {SELECTORS_MAX} entries are allowed"));
    }
    for (index, selector) in selectors.iter().enumerate() {
        if !is_selector(selector) {
            let detail = "must be a type, a prefix such as call.* or *";
            invalid.add(format!("/event_types/{index}"), "malformed", detail);
        }
    }
}

fn is_selector(text: &str) -> bool {
    let stem = text.strip_suffix(".*").unwrap_or(text);
    text == "*" || event::is_type(stem)
}

pub(super) fn timeout_ms(timeout_ms: u32, invalid: &mut Invalid) {
    if !TIMEOUT_MS.contains(&timeout_ms) {
        let detail = format!("must be {} to {}", TIMEOUT_MS.start(), TIMEOUT_MS.end());
        invalid.add("/timeout_ms", "out_of_range", detail);
    }
}

pub(super) fn max_in_flight(max_in_flight: u32, invalid: &mut Invalid) {
    if !MAX_IN_FLIGHT.contains(&max_in_flight) {
        let detail = format!("must be {} to {}", MAX_IN_FLIGHT.start(), MAX_IN_FLIGHT.end());
        invalid.add("/max_in_flight", "out_of_range", detail);
    }
}

pub(super) fn rate_per_second(rate: Option<f64>, invalid: &mut Invalid) {
    if rate.is_some_and(|rate| !(rate > 0.0 && rate <= RATE_PER_SECOND_MAX)) {
        let detail = format!("must be more than 0 and at most {RATE_PER_SECOND_MAX}; leave it out for no limit");
        invalid.add("/rate_per_second", "out_of_range", detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_types_prefixes_or_all() {
        for text in ["*", "CALL_ENDED", "call.ended", "call.*", "a.b.*"] {
            assert!(is_selector(text), "{text}");
        }
        for text in ["", "**", "call*", "*.ended", "call.*.x", ".*", "a b", "call.**"] {
            assert!(!is_selector(text), "{text}");
        }
    }

    #[test]
    fn rates_are_positive_numbers() {
        for (rate, fits) in [(0.0, false), (-1.0, false), (f64::NAN, false), (f64::INFINITY, false), (0.1, true)] {
            let mut invalid = Invalid::default();
            rate_per_second(Some(rate), &mut invalid);
            assert_eq!(invalid.findings.is_empty(), fits, "{rate}");
        }
    }
}
