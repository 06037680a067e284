//! Handles requests that are answered before their bodies were read to the end, because they were refused early.
//!
//! The answer is sent at once. If the rest of the body were not read, a client that is still sending would find its
//! connection reset instead of the answer, and a client that reuses connections would lose its next request. So the
//! rest is read and thrown away in the background, within bounds. If the bounds may not suffice, the answer closes the
//! connection.
//!
//! Here the memory that a request's body takes is given back, too, when the request has been answered.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    response::Response,
};
use http::{HeaderValue, header};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

use crate::memory::Budget;

/// Most bytes that are thrown away: twice the largest request.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// How long a client may take to send it.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Answers a request whose body is counted, then reads the rest of the body.
pub(crate) async fn discard<F: Future<Output = Response>>(
    budget: &Budget,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    if request.body().is_end_stream() {
        return answer(request).await;
    }
    let held = Arc::new(budget.held());
    request.extensions_mut().insert(Arc::clone(&held));
    let waits_for_a_word = request.headers().contains_key(header::EXPECT);
    let (back, mut left) = oneshot::channel();
    let request = request.map(|body| Body::new(Lent { body, begun: false, ended: false, back: Some(back) }));
    let mut response = answer(request).await;
    drop(held);
    if let Ok((body, begun)) = left.try_recv() {
        // A client that waits for `100 Continue` has not sent its body: reading would make it send the body.
        let is_read = begun || !waits_for_a_word;
        let is_short = body.size_hint().upper().is_some_and(|bytes| bytes <= BYTES_MAX as u64);
        if !is_read || !is_short {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if is_read {
            tokio::spawn(tokio::time::timeout(TIME_MAX, read(body)));
        }
    }
    response
}

/// Reads a body to its end, or as far as it is worth it.
async fn read(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > BYTES_MAX {
            return;
        }
    }
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
            // Fails once the client has gone.
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

    use futures_util::{StreamExt as _, stream};

    use super::*;

    const CHUNK: usize = 1024 * 1024;

    /// A body of so many MiB, and how many of them were asked for.
    fn chunked(chunks: usize) -> (Body, Arc<AtomicUsize>) {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let chunks = stream::repeat(Bytes::from(vec![0; CHUNK])).take(chunks).map(move |chunk| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(chunk)
        });
        (Body::from_stream(chunks), sent)
    }

    /// Whether the answer to a body of which nobody reads anything ends the connection.
    async fn ends(body: Body, expects: bool) -> bool {
        let mut request = Request::post("/");
        if expects {
            request = request.header(header::EXPECT, "100-continue");
        }
        let refused = |_| async { Response::new(Body::from("no")) };
        let response = discard(&Budget::of(0), request.body(body).unwrap(), refused).await;
        response.headers().get(header::CONNECTION).is_some_and(|it| it == "close")
    }

    /// Lets go of this thread until all that can be read has been.
    async fn settled(sent: &AtomicUsize) -> usize {
        let mut before = usize::MAX;
        while before != sent.load(Ordering::Relaxed) {
            before = sent.load(Ordering::Relaxed);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
        before
    }

    #[tokio::test]
    async fn what_nobody_read_is_thrown_away_within_bounds() {
        for (chunks, read) in [(17, 17), (usize::MAX, BYTES_MAX / CHUNK + 1)] {
            let (body, sent) = chunked(chunks);
            assert!(ends(body, false).await, "nobody knows how long it is");
            assert_eq!(settled(&sent).await, read);
        }
        let whole = |bytes: usize| Body::from(vec![0; bytes]);
        assert!(!ends(whole(BYTES_MAX), false).await);
        assert!(ends(whole(BYTES_MAX + 1), false).await);
    }

    #[tokio::test]
    async fn a_client_that_waits_to_be_asked_for_its_body_is_not_asked() {
        let (body, sent) = chunked(17);
        assert!(ends(body, true).await);
        assert_eq!(settled(&sent).await, 0);
    }

    #[tokio::test]
    async fn the_answer_does_not_wait_for_a_body_that_nobody_reads() {
        let stalled = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert!(ends(stalled, false).await);
    }
}
