//! Takes contents out and leaves the structure.

use serde_json::Value;
use url::Url;

use crate::dashboard::visible::{visible, visible_lines};

/// What stands in the place of what is not shown.
const MASK: &str = "***";

/// A larger text is told by its size alone: its structure would be too long to read.
const BYTES_MAX: usize = 64 * 1024;

/// Headers whose values are shown. Everything else may be a credential.
const SHOWN: [&str; 14] = [
    "content-type",
    "content-length",
    "content-encoding",
    "user-agent",
    "date",
    "server",
    "retry-after",
    "webhook-id",
    "webhook-timestamp",
    "svix-id",
    "svix-timestamp",
    "x-request-id",
    "cf-ray",
    "via",
];

/// A header as it may be shown. Those of Ringback's own, which begin with `prefix`, hold no secret.
pub(in crate::dashboard) fn header(name: &str, value: &str, prefix: &str) -> (String, String) {
    let lower = name.to_ascii_lowercase();
    let is_shown = SHOWN.contains(&lower.as_str()) || lower.starts_with(prefix);
    (visible(name), if is_shown { visible(value) } else { MASK.to_owned() })
}

/// The fields of a JSON text with their values masked; `None` for what is no JSON, or too large.
pub(in crate::dashboard) fn structure(text: &[u8]) -> Option<String> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let masked = masked(serde_json::from_slice(text).ok()?);
    Some(visible_lines(&serde_json::to_string_pretty(&masked).ok()?))
}

fn masked(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, masked(value))).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::from(MASK),
    }
}

/// Scheme, host and port of a URL.
pub(in crate::dashboard) fn origin(url: Option<&str>) -> String {
    let origin = url.and_then(|url| Url::parse(url).ok()).map(|url| url.origin().ascii_serialization());
    origin.filter(|origin| origin != "null").unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_left() {
        let text = br#"{"call_id":"call-42","seconds":61.5,"ok":true,"none":null,"turns":[{"said":"hello"},7]}"#;
        let shown = structure(text).unwrap();
        for gone in ["call-42", "61.5", "true", "hello", "7"] {
            assert!(!shown.contains(gone), "{gone} in {shown}");
        }
        for left in ["call_id", "seconds", "none", "null", "said"] {
            assert!(shown.contains(left), "{left} in {shown}");
        }
        assert_eq!(structure(b"\"a secret\"").as_deref(), Some("\"***\""));
        assert_eq!(structure(b"plain text"), None);
        assert_eq!(structure(&[b'1'; BYTES_MAX + 1]), None);
    }

    #[test]
    fn a_header_is_masked_unless_it_is_known() {
        let shown = |name: &str| header(name, "hunter2", "ringback-").1;
        for secret in ["Authorization", "X-Api-Key", "webhook-signature", "cookie", "X-Levrage-Signature", "set-cookie"]
        {
            assert_eq!(shown(secret), MASK, "{secret}");
        }
        for known in ["Content-Type", "webhook-id", "ringback-attempt", "Retry-After"] {
            assert_eq!(shown(known), "hunter2", "{known}");
        }
    }

    #[test]
    fn of_a_url_only_the_origin_is_shown() {
        let url = "https://user:pass@hooks.example.com:8443/services/T0/B0/token?key=1";
        assert_eq!(origin(Some(url)), "https://hooks.example.com:8443");
        assert_eq!(origin(Some("javascript:alert(1)")), "unknown");
        assert_eq!(origin(None), "unknown");
    }
}
