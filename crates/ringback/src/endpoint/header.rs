//! Rules for headers that callers add: which names are reserved, and which values are allowed.

use std::collections::BTreeMap;

use http::HeaderName;

use super::{Auth, bounds::HEADER_NAME_BYTES_MAX, placeholder::InHeader, template::Template};
use crate::{document::escape, invalid::Invalid};

/// Names of Ringback's own headers, behind the prefix.
pub(crate) const OWN_NAMES: [&str; 6] = [OWN_ID, "event-type", "event-time", "attempt", "test", "replay"];

/// The name, behind the prefix, of the header that carries the event's id with every scheme.
pub(crate) const OWN_ID: &str = "id";

/// Most extra headers of a destination.
const HEADERS_MAX: usize = 32;

/// Longest value of an extra header or credential, in bytes.
const VALUE_BYTES_MAX: usize = 4 * 1024;

/// What a header's text must be.
pub(crate) const VALUE_RULE: &str = "must be printable ASCII without line breaks or other control characters";

/// Names that a destination's extra headers may not use.
pub(crate) struct Reserved<'a> {
    /// The prefix of Ringback's own headers.
    pub(crate) prefix: &'a str,
    /// The headers of the destination's scheme.
    pub(crate) scheme: Vec<HeaderName>,
}

impl Reserved<'_> {
    fn refuses(&self, name: &HeaderName) -> bool {
        let text = name.as_str();
        let has_prefix = !self.prefix.is_empty()
            && text.get(..self.prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(self.prefix));
        has_prefix
            || is_own(name, self.prefix)
            || is_framing(name)
            || text.starts_with("webhook-")
            || text.starts_with("svix-")
            || self.scheme.contains(name)
    }
}

/// Whether Ringback sets this very header on every request.
pub(crate) fn is_own(name: &HeaderName, prefix: &str) -> bool {
    OWN_NAMES.iter().any(|own| name.as_str().eq_ignore_ascii_case(&format!("{prefix}{own}")))
}

/// Whether Ringback sends the event's id in this very header.
pub(crate) fn is_own_id(name: &HeaderName, prefix: &str) -> bool {
    name.as_str().eq_ignore_ascii_case(&format!("{prefix}{OWN_ID}"))
}

/// Whether a header frames the request or names its sender: callers may not set such headers.
pub(crate) fn is_framing(name: &HeaderName) -> bool {
    const NAMES: [&str; 11] = [
        "host",
        "connection",
        "transfer-encoding",
        "user-agent",
        "accept-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "proxy-connection",
    ];
    name.as_str().starts_with("content-") || NAMES.contains(&name.as_str())
}

/// A header's name, or a finding.
pub(crate) fn name(text: &str, pointer: &str, invalid: &mut Invalid) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    if name.is_none() {
        invalid.add(
            pointer,
            "malformed",
            "is not a header name: use letters, digits and - _ . ! # $ % & ' * + ^ ` | ~",
        );
    }
    name
}

/// Whether `text` can stand in a header as it is.
pub(crate) fn is_value_text(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// Checks the extra headers of a destination; pointers begin with `/headers`.
pub(crate) fn check(headers: &BTreeMap<String, String>, reserved: &Reserved<'_>, invalid: &mut Invalid) {
    check_each(headers, reserved, check_value, invalid);
}

/// The same for headers whose values are sent as they are, without placeholders.
pub(super) fn check_plain(headers: &BTreeMap<String, String>, reserved: &Reserved<'_>, invalid: &mut Invalid) {
    check_each(headers, reserved, check_text, invalid);
}

fn check_each(
    headers: &BTreeMap<String, String>,
    reserved: &Reserved<'_>,
    check_value: fn(&str, &str, &mut Invalid),
    invalid: &mut Invalid,
) {
    if headers.len() > HEADERS_MAX {
        invalid.add("/headers", "too_many", format!("at most {HEADERS_MAX} headers are allowed"));
        // Not checked any further, since each header is compared with all others.
        return;
    }
    let mut seen = Vec::new();
    for (text, value) in headers {
        let pointer = format!("/headers/{}", escape(text));
        if let Some(name) = name(text, &pointer, invalid) {
            if reserved.refuses(&name) {
                invalid.add(&pointer, "header_refused", "is set by Ringback and cannot be replaced");
            }
            check_name_length(&name, &pointer, invalid);
            if seen.contains(&name) {
                invalid.add(&pointer, "conflict", "stands twice, in different letter case");
            }
            seen.push(name);
        }
        check_value(value, &pointer, invalid);
    }
}

/// Checks the length of a name that a caller chooses: the bound is smaller than HTTP's.
pub(super) fn check_name_length(name: &HeaderName, pointer: &str, invalid: &mut Invalid) {
    if name.as_str().len() > HEADER_NAME_BYTES_MAX {
        invalid.add(pointer, "too_long", format!("at most {HEADER_NAME_BYTES_MAX} bytes are allowed for a name"));
    }
}

fn check_value(value: &str, pointer: &str, invalid: &mut Invalid) {
    check_text(value, pointer, invalid);
    if let Err(error) = Template::<InHeader>::parse(value) {
        invalid.add(pointer, error.code(), error.to_string());
    }
}

fn check_text(text: &str, pointer: &str, invalid: &mut Invalid) {
    if text.len() > VALUE_BYTES_MAX {
        invalid.add(pointer, "too_long", format!("has {} bytes; at most {VALUE_BYTES_MAX} are allowed", text.len()));
    } else if !is_value_text(text) {
        invalid.add(pointer, "malformed", VALUE_RULE);
    }
}

/// Checks `auth`; pointers begin with `/auth`.
pub(crate) fn check_auth(
    auth: &Auth,
    headers: &BTreeMap<String, String>,
    reserved: &Reserved<'_>,
    invalid: &mut Invalid,
) {
    let (pointer, header) = match auth {
        Auth::Bearer { token } => {
            check_present(token, "/auth/token", invalid);
            check_text(token, "/auth/token", invalid);
            ("/auth", "authorization")
        }
        Auth::Basic { username, password } => {
            check_basic(username, password, invalid);
            ("/auth", "authorization")
        }
        Auth::ApiKey { header, value } => {
            check_present(value, "/auth/value", invalid);
            check_text(value, "/auth/value", invalid);
            ("/auth/header", header.as_str())
        }
        Auth::Oauth2(oauth) => {
            oauth.check(invalid);
            ("/auth", "authorization")
        }
    };
    let Some(name) = name(header, pointer, invalid) else { return };
    if reserved.refuses(&name) {
        invalid.add(pointer, "header_refused", "is set by Ringback or the scheme and cannot be replaced");
    }
    check_name_length(&name, pointer, invalid);
    if headers.keys().any(|other| other.eq_ignore_ascii_case(name.as_str())) {
        invalid.add(pointer, "conflict", format!("headers already hold {name}"));
    }
}

fn check_present(text: &str, pointer: &str, invalid: &mut Invalid) {
    if text.is_empty() {
        invalid.add(pointer, "required", "must not be empty");
    }
}

/// RFC 7617: no colon in the user name, no control characters in either.
fn check_basic(username: &str, password: &str, invalid: &mut Invalid) {
    if username.contains(':') {
        invalid.add("/auth/username", "malformed", "must not hold a colon: Basic authentication ends the name there");
    }
    for (text, pointer) in [(username, "/auth/username"), (password, "/auth/password")] {
        if text.len() > VALUE_BYTES_MAX / 4 {
            invalid.add(pointer, "too_long", format!("at most {} bytes are allowed", VALUE_BYTES_MAX / 4));
        } else if text.chars().any(char::is_control) {
            invalid.add(pointer, "malformed", "must not hold control characters");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[(&str, &str)], auth: Option<Auth>) -> Vec<(String, &'static str)> {
        let reserved = Reserved { prefix: "ringback-", scheme: vec![HeaderName::from_static("x-levrage-signature")] };
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut invalid = Invalid::default();
        check(&headers, &reserved, &mut invalid);
        if let Some(auth) = auth {
            check_auth(&auth, &headers, &reserved, &mut invalid);
        }
        invalid.findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn ordinary_headers_pass() {
        let headers = [("X-Acme-Event", "{type} {{v1}}"), ("x-when", "{occurred_at}"), ("Authorization", "Custom abc")];
        assert_eq!(found(&headers, None), []);
    }

    #[test]
    fn names_of_the_request_the_scheme_and_ringback_are_refused() {
        for name in [
            "Host",
            "Content-Type",
            "content-length",
            "Connection",
            "Transfer-Encoding",
            "User-Agent",
            "webhook-id",
            "Webhook-Signature",
            "svix-id",
            "Ringback-Attempt",
            "ringback-anything",
            "X-Levrage-Signature",
            "TE",
        ] {
            assert_eq!(found(&[(name, "x")], None), [(format!("/headers/{name}"), "header_refused")], "{name}");
        }
    }

    #[test]
    fn a_header_cannot_be_smuggled_into_a_value_or_name() {
        for value in ["a\r\nx-evil: 1", "a\nb", "a\0b", "a\u{7f}b", "caf\u{e9}", "a\tb"] {
            assert_eq!(found(&[("x-a", value)], None), [("/headers/x-a".to_owned(), "malformed")], "{value:?}");
        }
        for name in ["", "x a", "x:a", "x\r\ny", "x\u{e9}"] {
            assert_eq!(found(&[(name, "v")], None), [(format!("/headers/{name}"), "malformed")], "{name:?}");
        }
        assert_eq!(found(&[("a", "x"), ("A", "y")], None), [("/headers/a".to_owned(), "conflict")]);
    }

    #[test]
    fn sizes_are_bounded() {
        let many: Vec<_> = (0..33).map(|n| format!("x-{n}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "v")).collect();
        assert_eq!(found(&many, None), [("/headers".to_owned(), "too_many")]);
        assert_eq!(found(&many[..32], None), []);
        let (fits, long) = ("v".repeat(4096), "v".repeat(4097));
        assert_eq!(found(&[("x-a", &fits)], None), []);
        assert_eq!(found(&[("x-a", &long)], None), [("/headers/x-a".to_owned(), "too_long")]);
    }

    #[test]
    fn templates_in_values_are_checked() {
        assert_eq!(found(&[("x-a", "{signature}")], None), [("/headers/x-a".to_owned(), "unknown_placeholder")]);
        assert_eq!(found(&[("x-a", "{type")], None), [("/headers/x-a".to_owned(), "unbalanced_brace")]);
    }

    #[test]
    fn auth_is_checked_like_a_header() {
        let bearer = |token: &str| Some(Auth::Bearer { token: token.to_owned() });
        let key = |header: &str, value: &str| Some(Auth::ApiKey { header: header.to_owned(), value: value.to_owned() });
        let basic = |username: &str, password: &str| {
            Some(Auth::Basic { username: username.to_owned(), password: password.to_owned() })
        };
        assert_eq!(found(&[], bearer("abc")), []);
        assert_eq!(found(&[], basic("user", "p:{\u{e4}}")), []);
        assert_eq!(found(&[], key("x-api-key", "{not a template}")), []);
        assert_eq!(found(&[], bearer("")), [("/auth/token".to_owned(), "required")]);
        assert_eq!(found(&[], bearer("a\nb")), [("/auth/token".to_owned(), "malformed")]);
        assert_eq!(found(&[], basic("a:b", "x")), [("/auth/username".to_owned(), "malformed")]);
        assert_eq!(found(&[], basic("a", "x\r\n")), [("/auth/password".to_owned(), "malformed")]);
        assert_eq!(found(&[], key("webhook-id", "x")), [("/auth/header".to_owned(), "header_refused")]);
        assert_eq!(found(&[("authorization", "x")], bearer("abc")), [("/auth".to_owned(), "conflict")]);
        assert_eq!(found(&[("X-Key", "x")], key("x-key", "abc")), [("/auth/header".to_owned(), "conflict")]);
    }
}
