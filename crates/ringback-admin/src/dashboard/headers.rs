//! The security headers of every page, so that a mistake in one page is no hole.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

/// Only the dashboard's own style, script and pictures; nothing within a page is a script; forms are sent only to it; no site
/// may frame a page. What else this server answers is no script either: its kind is another, and may not be guessed.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same, with one picture from elsewhere, and for those who may frame a page.
pub(super) fn policy(picture: Option<&str>, ancestors: &str) -> String {
    let policy = POLICY.replace("frame-ancestors 'none'", &format!("frame-ancestors {ancestors}"));
    match picture {
        Some(picture) => policy.replace("img-src 'self'", &format!("img-src 'self' {picture}")),
        None => policy,
    }
}

/// `same-origin` instead of `no-referrer`: with the latter, browsers send `Origin: null` with the dashboard's own forms, and
/// over plain HTTP only that header distinguishes them from another site's.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds the headers to every answer of the dashboard.
pub(super) async fn protect(mut response: Response) -> Response {
    // Pages with a policy of their own say there who may frame them.
    let has_policy = response.headers().contains_key(header::CONTENT_SECURITY_POLICY);
    for (name, value) in HEADERS.into_iter().filter(|(name, _)| !has_policy || name != header::X_FRAME_OPTIONS) {
        // What a page has decided for itself stays.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
