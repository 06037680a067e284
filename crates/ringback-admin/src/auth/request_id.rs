//! The request's id, for the audit log: `x-request-id`, as the caller or whoever stands between has set it.

use http::request::Parts;

/// Longest id that is taken over.
const CHARS_MAX: usize = 128;

/// The id, if there is one and it is plain: anything else is not worth keeping.
pub(super) fn of(request: &Parts) -> Option<String> {
    let id = request.headers.get("x-request-id")?.to_str().ok()?;
    let plain = (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| id.to_owned())
}
