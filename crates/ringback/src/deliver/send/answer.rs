//! What a receiver answered: the status decides the outcome, the rest is kept for people.
//!
//! Once there is a status line, nothing that happens to the body changes the outcome.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    HeaderMap,
    body::{Body, Incoming},
    http::{header, response::Parts},
};

use crate::attempt::{ErrorClass, Failure, Phase, RESPONSE_BODY_KEPT_MAX, Response};

/// Most bytes of header names and values that an attempt keeps.
const HEADERS_KEPT_MAX: usize = 8 * 1024;

/// Most bytes kept of one header's value.
const VALUE_KEPT_MAX: usize = 2 * 1024;

/// Most bytes kept of a value that decides when to send again; it is kept even if [`HEADERS_KEPT_MAX`] is used up.
const DECIDING_VALUE_KEPT_MAX: usize = 128;

/// What a status code means, if it is no success.
pub(super) const fn failure(status: u16) -> Option<Failure> {
    let (error, phase) = match status {
        200..=299 => return None,
        // A receiver that switches protocols has not answered.
        ..=199 => (ErrorClass::Protocol, Some(Phase::Head)),
        300..=399 => (ErrorClass::Redirect, None),
        _ => (ErrorClass::Status, None),
    };
    Some(Failure { error, phase, ambiguous: false })
}

/// An answer whose body is being read.
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    truncated: bool,
}

impl Answer {
    pub(super) fn new(head: &Parts) -> Self {
        Self { status: head.status.as_u16(), headers: kept_headers(&head.headers), body: Vec::new(), truncated: true }
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// Reads the body to its end and keeps the beginning; true if the end came.
    pub(super) async fn read(&mut self, mut body: Incoming) -> bool {
        let mut dropped = false;
        while !body.is_end_stream() {
            match body.frame().await {
                None => break,
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        dropped |= self.keep(&bytes) < bytes.len();
                    }
                }
                Some(Err(_cut)) => return false,
            }
        }
        self.truncated = dropped;
        true
    }

    pub(super) fn into_response(self) -> Response {
        Response { status: self.status, headers: self.headers, body: Bytes::from(self.body), truncated: self.truncated }
    }

    fn keep(&mut self, bytes: &[u8]) -> usize {
        let room = (RESPONSE_BODY_KEPT_MAX - self.body.len()).min(bytes.len());
        self.body.extend_from_slice(&bytes[..room]);
        room
    }
}

/// Headers as text, within limits. A header that does not fit is left out; later ones that fit are kept.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut kept = Vec::with_capacity(headers.len());
    let mut room = HEADERS_KEPT_MAX;
    for (name, value) in headers {
        let decides = name == header::RETRY_AFTER || name == header::DATE;
        let value_max = if decides { DECIDING_VALUE_KEPT_MAX } else { VALUE_KEPT_MAX };
        let value = text(&value.as_bytes()[..value.len().min(value_max)]);
        let size = name.as_str().len() + value.len();
        if decides || size <= room {
            room = room.saturating_sub(size);
            kept.push((name.as_str().to_owned(), value));
        }
    }
    kept
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
