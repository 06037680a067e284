//! The id of each request: the caller's own if it sent a well-formed one, otherwise a new one. It is returned in
//! `x-request-id` and in a refusal's `instance`, and is in every line that is logged while the request is answered, so that
//! a caller's complaint can be found in the log.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a caller.
const CHARACTERS_MAX: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered; `None` outside of one.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// What a refusal's `instance` says; `None` outside of a request.
pub(crate) fn instance() -> Option<String> {
    current().map(|id| format!("urn:request:{id}"))
}

/// Answers a request under its id.
pub(crate) async fn carry<F: Future<Output = Response>>(
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let id = given(&request).unwrap_or_else(made);
    // The route's pattern, never the path, which contains values that callers chose.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("request", request_id = %id, method = %request.method(), route);
    let begun = Instant::now();
    let answered = async {
        let response = answer(request).await;
        let (status, took_ms) = (response.status().as_u16(), begun.elapsed().as_millis());
        tracing::debug!(status, took_ms, "answered with {status} after {took_ms} ms");
        response
    };
    let mut response = CURRENT.scope(id.clone(), answered).instrument(span).await;
    tell(&mut response, id);
    response
}

/// Answers, under a new id, a request whose id was not read.
pub(crate) fn under_new<B>(answer: impl FnOnce() -> http::Response<B>) -> http::Response<B> {
    let id = made();
    let mut response = CURRENT.sync_scope(id.clone(), answer);
    tell(&mut response, id);
    response
}

fn made() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

fn tell<B>(response: &mut http::Response<B>, id: String) {
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(NAME, value);
    }
}

/// The caller's id, if all its characters are safe in a header, a URN and a log line.
fn given(request: &Request) -> Option<String> {
    let mut values = request.headers().get_all(NAME).iter();
    let text = values.next()?.to_str().ok()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let is_id = (1..=CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(allowed);
    (is_id && values.next().is_none()).then(|| text.to_owned())
}
