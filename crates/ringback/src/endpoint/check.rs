//! The rules for single fields of an endpoint or inline destination.

use super::Statuses;
use crate::{event, invalid::Invalid};

/// Most selectors of an endpoint: all vendors' types several times over.
const SELECTORS_MAX: usize = 256;

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

/// A status cannot say that a delivery has arrived, and that it never will.
pub(super) fn statuses(success: &Statuses, permanent: &Statuses, invalid: &mut Invalid) {
    if let Some(status) = success.common(permanent) {
        let detail = format!("must have no status in common with success_statuses; {status} is in both");
        invalid.add("/permanent_statuses", "conflict", detail);
    }
}

fn is_selector(text: &str) -> bool {
    let stem = text.strip_suffix(".*").unwrap_or(text);
    text == "*" || event::is_type(stem)
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
}
