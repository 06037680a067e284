//! The `Idempotency-Key` header: an alias of the field. The draft standard wants it quoted; both forms are accepted.

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use ringback::event::is_key;

use crate::{
    api::Api,
    problem::{Fault, Problem},
};

pub(crate) const NAME: &str = "idempotency-key";

/// The header's key, if it was sent.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl FromRequestParts<Api> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        key_of(&parts.headers).map(Self)
    }
}

/// The key that a request carries.
///
/// # Errors
/// 400 for one that cannot be a key, and for several.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refused("must be sent once"));
    }
    let text = std::str::from_utf8(value.as_bytes()).ok().and_then(unquoted);
    let key = text.filter(|text| is_key(text));
    key.map(Some).ok_or_else(|| refused("must be 1 to 256 characters without control characters"))
}

/// Whether a request carries a key, whatever it is.
pub(crate) fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key(NAME)
}

/// The refusal of a key on a route that ignores keys: a request that is sent twice would be carried out twice, and the caller
/// would believe otherwise.
pub(crate) fn refused_key() -> Problem {
    refused("is not honoured by this route; where events are handed in together, each has its own idempotency_key")
}

/// The text inside an `sf-string` (RFC 8941 §3.3.3), or the text itself.
fn unquoted(value: &str) -> Option<String> {
    let value = value.trim();
    let Some(inner) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let inner = inner.strip_suffix('"')?;
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            '"' => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

fn refused(detail: &str) -> Problem {
    Problem::bad_request(vec![Fault::parameter(NAME, "malformed", detail)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_mean_the_same() {
        assert_eq!(unquoted("call-1").as_deref(), Some("call-1"));
        assert_eq!(unquoted("\"call-1\"").as_deref(), Some("call-1"));
        assert_eq!(unquoted(r#""a\"b\\""#).as_deref(), Some(r#"a"b\"#));
        assert_eq!(unquoted("\""), None);
        assert_eq!(unquoted(r#""a\x""#), None);
    }
}
