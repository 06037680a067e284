//! Tells which outgoing bytes are an answer of Ringback and not one of hyper itself.
//!
//! An answer may contain anything: a payload can look like a refusal of hyper, to the byte. So the stream does not judge by
//! the bytes alone. The door notes when it hands an answer to hyper; from then on all bytes are Ringback's, until the stream
//! has been flushed after hyper took the last part of the answer's body.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// The state that the door and the stream of a connection share.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// The connection is closed after a refusal.
    refused: AtomicBool,
    /// An answer of Ringback is on its way.
    is_ours: AtomicBool,
    /// hyper has not yet taken all of its body.
    has_more: AtomicBool,
}

impl Outgoing {
    /// An answer as it is handed over.
    pub(super) fn hand_over(self: &Arc<Self>, response: Response) -> Response {
        self.is_ours.store(true, Ordering::Relaxed);
        self.has_more.store(true, Ordering::Relaxed);
        let outgoing = Arc::clone(self);
        response.map(|body| Body::new(OurBody { body, outgoing }))
    }

    /// All bytes that hyper took have been written.
    pub(super) fn flushed(&self) {
        if !self.has_more.load(Ordering::Relaxed) {
            self.is_ours.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        self.is_ours.load(Ordering::Relaxed)
    }

    /// The connection is closed after the refusal that is sent now.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// The body of an answer: hyper drops it when it has taken all of it, or will never take more.
struct OurBody {
    body: Body,
    outgoing: Arc<Outgoing>,
}

impl HttpBody for OurBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for OurBody {
    fn drop(&mut self) {
        self.outgoing.has_more.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_ours_until_it_was_flushed_after_the_last_of_its_body() {
        let outgoing = Arc::new(Outgoing::default());
        assert!(!outgoing.is_ours());
        let response = outgoing.hand_over(Response::new(Body::from("a body")));
        assert_eq!(response.body().size_hint().exact(), Some(6), "its length is told as ever");
        outgoing.flushed();
        assert!(outgoing.is_ours(), "the head was flushed alone");
        drop(response);
        assert!(outgoing.is_ours(), "the body was taken, and is not written yet");
        outgoing.flushed();
        assert!(!outgoing.is_ours());
    }
}
