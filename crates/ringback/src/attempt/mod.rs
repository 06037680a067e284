//! One try of a delivery: what was sent and what came back.
//!
//! What a receiver does is data here, never an `Err`.

mod detail;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::detail::{Detail, Headers};
use crate::{endpoint::Statuses, time::Timestamp, word::words};

/// Most bytes of a response body that an attempt keeps.
pub const RESPONSE_BODY_KEPT_MAX: usize = 16 * 1024;

words! {
    /// How an attempt ended.
    Conclusion {
        /// Answered with a status of success: 200–299, unless the endpoint lists others.
        Delivered = 1 "delivered": "the receiver has it",
        /// Anything else.
        Failed = 2 "failed": "it failed",
        /// Its delivery had moved on before this outcome was recorded; it changed nothing.
        Stale = 3 "stale": "it came too late to change anything",
    }

    /// What went wrong, in the words of the API.
    #[non_exhaustive]
    ErrorClass {
        Status = 1 "status": "a status that is no success",
        Redirect = 2 "redirect": "a 3xx: never followed",
        Timeout = 3 "timeout": "the deadline passed",
        Reset = 4 "reset": "the connection was closed or reset before a status line",
        Protocol = 5 "protocol": "what came back is not HTTP/1.x",
        TooLarge = 6 "too_large": "the answer's head or interim answers are larger than allowed",
        Dns = 7 "dns": "the name has no usable address",
        ConnectRefused = 8 "connect_refused": "nothing listens there",
        Connect = 9 "connect": "the connection could not be made for another reason",
        BlockedDestination = 10 "blocked_destination": "the address or URL may not be dialled",
        TlsExpired = 11 "tls_expired": "the certificate is expired or not valid yet",
        TlsName = 12 "tls_name": "the certificate is for another name",
        TlsUntrusted = 13 "tls_untrusted": "the certificate's issuer is not trusted, or it may not serve",
        TlsProtocol = 14 "tls_protocol": "the TLS handshake failed otherwise",
        TlsClientAuth = 15 "tls_client_auth": "the receiver wants a client certificate",
        Panic = 16 "panic": "a defect of ours stopped this attempt",
        Authorization = 17 "authorization": "what authorises the request could not be had",
        Challenge = 18 "challenge": "the answer does not hold the challenge of a verification",
    }

    /// How far an attempt had come when it ended badly.
    #[non_exhaustive]
    Phase {
        Authorize = 8 "authorize": "fetching what authorises the request",
        Policy = 1 "policy": "judging the URL and its addresses",
        Dns = 2 "dns": "resolving the name",
        Connect = 3 "connect": "opening the connection",
        Tls = 4 "tls": "the TLS handshake",
        Write = 5 "write": "writing the request",
        Head = 6 "head": "waiting for the answer's head",
        Body = 7 "body": "reading the answer's body",
    }
}

/// What went wrong, where, and whether the receiver may have processed the request all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub error: ErrorClass,
    /// How far it had come; `None` for an answer that was read but was no success.
    pub phase: Option<Phase>,
    /// Request bytes were written and no status line came back.
    pub ambiguous: bool,
}

/// Where the time of an attempt went; `None` for a phase that was not entered.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Resolving the name, in milliseconds.
    pub dns_ms: Option<f64>,
    /// Opening the connection, in milliseconds; `None` on a reused one.
    pub connect_ms: Option<f64>,
    /// The TLS handshake, in milliseconds.
    pub tls_ms: Option<f64>,
    /// From the first byte written to the answer's head, in milliseconds.
    pub head_ms: Option<f64>,
    /// Reading the answer's body, in milliseconds.
    pub body_ms: Option<f64>,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Lower-case names with their values; bytes that are not text are replaced.
    pub headers: Vec<(String, String)>,
    /// The first [`RESPONSE_BODY_KEPT_MAX`] bytes.
    pub body: Bytes,
    /// Whether there was, or may have been, more than `body`.
    pub truncated: bool,
}

/// The outcome of one request: all that the sender reports, whatever the receiver did.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The response, if at least its status line arrived.
    pub response: Option<Response>,
    /// What went wrong; `None` exactly for a success.
    pub failure: Option<Failure>,
    /// The address dialled.
    pub remote_addr: Option<std::net::SocketAddr>,
    /// From the start to the last byte that mattered.
    pub duration: Duration,
    /// Where the time went.
    pub timings: Timings,
}

impl Outcome {
    /// Whether a receiver answered that it has it.
    #[must_use]
    pub const fn is_delivered(&self) -> bool {
        self.failure.is_none()
    }

    /// The same where `success` says which statuses mean that it has arrived; 200–299 do in what a sender gives.
    #[must_use]
    pub(crate) fn under(mut self, success: &Statuses) -> Self {
        let Some(response) = &self.response else { return self };
        if success.contain(response.status) {
            self.failure = None;
        } else if self.failure.is_none() {
            self.failure = Some(Failure { error: ErrorClass::Status, phase: None, ambiguous: false });
        }
        self
    }

    /// The same of a verification, whose answer must hold its challenge.
    #[must_use]
    pub(crate) fn holding(mut self, challenge: Option<&str>) -> Self {
        let holds = |response: &Response| {
            challenge.is_some_and(|text| response.body.windows(text.len().max(1)).any(|part| part == text.as_bytes()))
        };
        if self.is_delivered() && !self.response.as_ref().is_some_and(holds) {
            self.failure = Some(Failure { error: ErrorClass::Challenge, phase: None, ambiguous: false });
        }
        self
    }

    /// The same of an attempt that had begun so long before its request.
    #[must_use]
    pub(crate) fn after(mut self, spent: Duration) -> Self {
        self.duration += spent;
        self
    }

    /// An attempt that ended before any packet was sent.
    #[must_use]
    pub fn refused(error: ErrorClass, phase: Phase) -> Self {
        Self {
            response: None,
            failure: Some(Failure { error, phase: Some(phase), ambiguous: false }),
            remote_addr: None,
            duration: Duration::ZERO,
            timings: Timings::default(),
        }
    }
}

/// An attempt as a store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Counted from 1 over the delivery's whole life, replays included.
    pub number: i32,
    /// When it began, by the sending node's clock.
    pub at: Timestamp,
    /// How it ended.
    pub conclusion: Conclusion,
    /// The status code answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<ErrorClass>,
    /// How far it had come.
    pub phase: Option<Phase>,
    /// The receiver may have processed it although it counts as failed.
    pub ambiguous: bool,
    /// From the start to the last byte that mattered.
    pub duration: Duration,
    /// A [`Detail`] as [`Detail::to_bytes`] made it.
    pub detail: Bytes,
    /// The first [`RESPONSE_BODY_KEPT_MAX`] bytes of the answer's body, as they came.
    pub response_body: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        for &error in ErrorClass::ALL {
            assert_eq!(ErrorClass::from_code(error.code()), Some(error));
        }
        for &phase in Phase::ALL {
            assert_eq!(Phase::from_code(phase.code()), Some(phase));
        }
        assert_eq!(ErrorClass::TlsClientAuth.to_string(), "tls_client_auth");
    }
}
