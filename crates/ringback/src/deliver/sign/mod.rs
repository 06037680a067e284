//! A request, composed and signed for one attempt.

use bytes::Bytes;

/// A request as it goes to a receiver, but for `host` and `content-length`, which sending adds.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Where it goes.
    pub url: url::Url,
    /// All headers but `host` and `content-length`.
    pub headers: http::HeaderMap,
    /// The same headers as operators see them: credentials read `***`.
    pub shown: Vec<(String, String)>,
    /// The payload, byte for byte as it was emitted.
    pub body: Bytes,
}
