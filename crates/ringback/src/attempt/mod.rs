//! One try of a delivery: what was sent and what came back.
//!
//! What a receiver does is data here, never an `Err`.

mod detail;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::detail::{Detail, Headers};
use crate::{endpoint::Statuses, time::Timestamp};

/// Most bytes of a response body that an attempt keeps.
pub const RESPONSE_BODY_KEPT_MAX: usize = 16 * 1024;

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Answered with a status that says so: 200–299, unless the endpoint has it otherwise.
    Delivered,
    /// Anything else.
    Failed,
    /// Its delivery had moved on before this outcome was recorded; it changed nothing.
    Stale,
}

impl Conclusion {
    /// The number that stores keep.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::Delivered => 1,
            Self::Failed => 2,
            Self::Stale => 3,
        }
    }

    /// Reads [`Self::code`] back.
    #[must_use]
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            1 => Some(Self::Delivered),
            2 => Some(Self::Failed),
            3 => Some(Self::Stale),
            _ => None,
        }
    }
}

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$case:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$case])* $variant),+ }

        impl $name {
            /// All of them, in order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number that stores keep.
            #[must_use]
            pub const fn code(self) -> i16 {
                match self { $(Self::$variant => $code),+ }
            }

            /// Reads [`Self::code`] back.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

coded! {
    /// What went wrong, in the words of the API.
    ErrorClass {
        /// A status that is no success.
        Status = 1,
        /// A 3xx: never followed.
        Redirect = 2,
        /// The deadline passed.
        Timeout = 3,
        /// The connection was closed or reset before a status line.
        Reset = 4,
        /// What came back is not HTTP/1.x.
        Protocol = 5,
        /// The answer's head or interim answers are larger than allowed.
        TooLarge = 6,
        /// The name has no usable address.
        Dns = 7,
        /// Nothing listens there.
        ConnectRefused = 8,
        /// The connection could not be made for another reason.
        Connect = 9,
        /// The address or URL may not be dialled.
        BlockedDestination = 10,
        /// The certificate is expired or not valid yet.
        TlsExpired = 11,
        /// The certificate is for another name.
        TlsName = 12,
        /// The certificate's issuer is not trusted, or it may not serve.
        TlsUntrusted = 13,
        /// The TLS handshake failed otherwise.
        TlsProtocol = 14,
        /// The receiver wants a client certificate.
        TlsClientAuth = 15,
        /// A defect of ours stopped this attempt.
        Panic = 16,
    }
}

coded! {
    /// How far an attempt had come when it ended badly.
    Phase {
        /// Judging the URL and its addresses.
        Policy = 1,
        /// Resolving the name.
        Dns = 2,
        /// Opening the connection.
        Connect = 3,
        /// The TLS handshake.
        Tls = 4,
        /// Writing the request.
        Write = 5,
        /// Waiting for the answer's head.
        Head = 6,
        /// Reading the answer's body.
        Body = 7,
    }
}

crate::delivery::display_as_serialized!(Conclusion, ErrorClass, Phase);

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

/// What came of one request: the sender's whole answer, whatever the receiver did.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was answered, as soon as there was a status line.
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
    /// What it came to.
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
