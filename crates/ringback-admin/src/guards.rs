//! What every request gets on its way in and out: an id, a measurement, headers, a bound of the memory and of the time that
//! it takes.
//!
//! It is one middleware: each costs every request two allocations and a copy of everything within.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};

use crate::{api::metrics::Requests, memory::Budget, problem, request_id, unread};

/// Longer than any answer should take, including the arrival of the largest body; creating a replay of millions takes
/// longest.
const ANSWER: Duration = Duration::from_secs(120);

/// What the requests of one router share.
#[derive(Debug, Clone)]
pub(crate) struct Guards(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    budget: Budget,
    requests: Requests,
}

impl Guards {
    pub(crate) fn new(budget: Budget, requests: Requests) -> Self {
        Self(Arc::new(Shared { budget, requests }))
    }
}

/// Answers a request. The first that is named is the outermost.
pub(crate) async fn guard(State(Guards(shared)): State<Guards>, request: Request, next: Next) -> Response {
    let bounded = |request| unread::discard(&shared.budget, request, |request| in_time(request, next));
    let headed = |request| async { protected(bounded(request).await) };
    request_id::carry(request, |request| shared.requests.observe(request, headed)).await
}

/// Answers a request that has nothing to bound.
pub(crate) async fn guard_small(request: Request, next: Next) -> Response {
    request_id::carry(request, |request| async { protected(next.run(request).await) }).await
}

/// Ends a request that takes too long.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER, next.run(request)).await {
        Ok(response) => response,
        Err(_) => problem::timed_out().into_response(),
    }
}

/// Sets headers of all answers. They may contain payloads and new secrets, so no cache may store them unless an answer
/// allows it, and no browser may guess their type.
pub(crate) fn protected<B>(mut response: http::Response<B>) -> http::Response<B> {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
