//! Warnings about payloads that are valid JSON and still make receivers fail.
//!
//! `body_not_js_stable`: `JSON.stringify(JSON.parse(body))` would give other bytes, so a receiver that
//! verifies a signature over its re-serialised body, as some vendors' pages teach, refuses it. White space between
//! values gives no warning: whoever emits it knows that it is there.
//! `url_field_not_a_url`: a field named like a URL has another text, such as `www.example.com/x`.
//!
//! One walk over the bytes, without building a document. Warnings repeat nothing of the payload except member names.

mod members;
mod number;
mod text;
mod walk;

use crate::invalid::Warning;

/// The code of a payload that JavaScript writes in another way than it came.
pub(super) const NOT_JS_STABLE: &str = "body_not_js_stable";

/// Why a body would change on its way through a JavaScript program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Number,
    Escape,
    Order,
    Duplicate,
}

impl Change {
    const fn what(self) -> &'static str {
        match self {
            Self::Number => "this number is written in another way",
            Self::Escape => "an escape in this string or name is written in another way",
            Self::Order => "names that look like array indexes are moved to the front, in ascending order",
            Self::Duplicate => "of two members with this name only the last is kept",
        }
    }
}

/// The first place of each kind of probable mistake in a payload; nothing if it is not JSON.
#[must_use]
pub fn lint_payload(payload: &[u8]) -> Vec<Warning> {
    let Some(found) = std::str::from_utf8(payload).ok().and_then(walk::walk) else { return Vec::new() };
    let change = found.change.map(|(change, pointer)| Warning {
        code: NOT_JS_STABLE,
        pointer,
        detail: format!("a receiver that verifies over JSON.stringify(JSON.parse(body)) refuses it: {}", change.what()),
    });
    let url = found.not_a_url.map(|pointer| Warning {
        code: "url_field_not_a_url",
        pointer,
        detail: "is named like a URL, but is no absolute http or https URL".to_owned(),
    });
    change.into_iter().chain(url).collect()
}

#[cfg(test)]
mod tests;
