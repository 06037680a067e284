//! Bodies that are answered before they were read to their end, because what stands at their beginning is refused.
//!
//! A client that is still sending would find its connection reset instead of the answer, and one that keeps its
//! connections would lose its next request on this one. So the rest is read and thrown away, within bounds; beyond them
//! the answer says that the connection ends with it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, header};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

/// Most that is thrown away: twice the largest request.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// How long a client may take to send it.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Answers a request, and then reads what nobody read of it.
pub(crate) async fn discard(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let waits_for_a_word = request.headers().contains_key(header::EXPECT);
    let (back, mut left) = oneshot::channel();
    let request = request.map(|body| Body::new(Lent { body, begun: false, ended: false, back: Some(back) }));
    let mut response = next.run(request).await;
    if let Ok((body, begun)) = left.try_recv() {
        // Reading would ask a client for a body that it holds back until it is asked.
        let is_read = (begun || !waits_for_a_word) && tokio::time::timeout(TIME_MAX, read(body)).await == Ok(true);
        if !is_read {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}

/// Whether the body could be read to its end.
async fn read(mut body: Body) -> bool {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += match frame {
            Ok(frame) => frame.data_ref().map_or(0, Bytes::len),
            Err(_) => return false,
        };
        if bytes > BYTES_MAX {
            return false;
        }
    }
    true
}

/// A body that comes back when its reader drops it before its end.
struct Lent {
    body: Body,
    begun: bool,
    ended: bool,
    back: Option<oneshot::Sender<(Body, bool)>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        self.begun = true;
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.ended || self.body.is_end_stream() {
            return;
        }
        if let Some(back) = self.back.take() {
            // Nobody waits for it once the client has gone.
            let _ = back.send((std::mem::take(&mut self.body), self.begun));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use axum::{Router, middleware, routing::post};
    use futures_util::{StreamExt as _, stream};
    use tower::ServiceExt as _;

    use super::*;

    const CHUNK: usize = 1024 * 1024;

    /// What is answered to a body of so many MiB of which nobody reads anything, and how many were sent.
    async fn answered(chunks: usize, expects: bool) -> (Option<HeaderValue>, usize) {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let chunks = stream::repeat(Bytes::from(vec![0; CHUNK])).take(chunks).map(move |chunk| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(chunk)
        });
        let mut request = Request::post("/");
        if expects {
            request = request.header(header::EXPECT, "100-continue");
        }
        let routes = Router::new().route("/", post(async || "no")).layer(middleware::from_fn(discard));
        let response = routes.oneshot(request.body(Body::from_stream(chunks)).unwrap()).await.unwrap();
        (response.headers().get(header::CONNECTION).cloned(), sent.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn what_nobody_read_is_thrown_away_within_bounds() {
        assert_eq!(answered(17, false).await, (None, 17));
        let (connection, sent) = answered(usize::MAX, false).await;
        assert_eq!((connection.unwrap(), sent), (HeaderValue::from_static("close"), BYTES_MAX / CHUNK + 1));
    }

    #[tokio::test]
    async fn a_client_that_waits_to_be_asked_for_its_body_is_not_asked() {
        assert_eq!(answered(17, true).await, (Some(HeaderValue::from_static("close")), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_no_more_is_not_waited_for() {
        let routes = Router::new().route("/", post(async || "no")).layer(middleware::from_fn(discard));
        let stalled = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let response = routes.oneshot(Request::post("/").body(stalled).unwrap()).await.unwrap();
        assert_eq!(response.headers()[header::CONNECTION], "close");
    }
}
