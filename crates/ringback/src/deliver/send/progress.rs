//! How far one attempt has come, and its outcome when it ends.
//!
//! The phases are entered in order; they are all that is needed to conclude the attempt when an error, the deadline, or an
//! answer ends it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::Instant;

use hyper::{Response, body::Incoming};

use super::{
    answer::{self, Answer},
    budget::Meter,
    connection::Connection,
};
use crate::attempt::{ErrorClass, Failure, Outcome, Phase, Timings};

/// One attempt under way.
pub(super) struct Progress {
    started: Instant,
    entered: Instant,
    phase: Phase,
    timings: Timings,
    remote_addr: Option<SocketAddr>,
    request_length: u64,
    meter: Option<Arc<Meter>>,
    answer: Option<Answer>,
}

impl Progress {
    /// An attempt begins with vetting its URL.
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            entered: now,
            phase: Phase::Policy,
            timings: Timings::default(),
            remote_addr: None,
            request_length: 0,
            meter: None,
            answer: None,
        }
    }

    /// The present phase is over, `next` begins.
    pub(super) fn enter(&mut self, next: Phase) {
        let now = Instant::now();
        self.note_time(now);
        self.phase = next;
        self.entered = now;
    }

    /// Sets the length of the request: once so much is written, the attempt waits for the answer.
    pub(super) const fn expects_to_write(&mut self, bytes: u64) {
        self.request_length = bytes;
    }

    /// Notes the address that is dialled.
    pub(super) const fn dials(&mut self, address: SocketAddr) {
        self.remote_addr = Some(address);
    }

    /// The request is about to be written to this connection.
    pub(super) fn writes_to(&mut self, connection: &Connection) {
        self.enter(Phase::Write);
        self.remote_addr = Some(connection.remote_addr());
        self.meter = Some(Arc::clone(connection.meter()));
    }

    /// Takes the answer's head, then reads its body; true if all of it came.
    pub(super) async fn read(&mut self, response: Response<Incoming>) -> bool {
        self.enter(Phase::Body);
        let (head, body) = response.into_parts();
        self.answer.insert(Answer::new(&head)).read(body).await
    }

    /// The attempt has ended so: its outcome.
    pub(super) fn conclude(mut self, end: Result<(), ErrorClass>) -> Outcome {
        let now = Instant::now();
        self.note_time(now);
        let failure = match (&self.answer, end) {
            (Some(answer), _) => answer::failure(answer.status()),
            (None, Err(error)) => Some(self.failure(error)),
            // Without an answer there is no way to succeed.
            (None, Ok(())) => Some(self.failure(ErrorClass::Protocol)),
        };
        Outcome {
            response: self.answer.map(Answer::into_response),
            failure,
            remote_addr: self.remote_addr,
            duration: now - self.started,
            timings: self.timings,
        }
    }

    fn failure(&self, error: ErrorClass) -> Failure {
        if matches!(error, ErrorClass::TlsClientAuth) {
            // With TLS 1.3 the refusal comes when the request has been written, but it is a refusal of
            // the handshake: no request was taken.
            return Failure { error, phase: Some(Phase::Tls), ambiguous: false };
        }
        let written = self.meter.as_ref().map_or(0, |meter| meter.written());
        let phase = match self.phase {
            Phase::Write if written >= self.request_length => Phase::Head,
            entered => entered,
        };
        Failure { error, phase: Some(phase), ambiguous: written > 0 }
    }

    fn note_time(&mut self, now: Instant) {
        let spent = Some(milliseconds(now - self.entered));
        match self.phase {
            Phase::Authorize | Phase::Policy => {}
            Phase::Dns => self.timings.dns_ms = spent,
            Phase::Connect => self.timings.connect_ms = spent,
            Phase::Tls => self.timings.tls_ms = spent,
            Phase::Write | Phase::Head => self.timings.head_ms = spent,
            Phase::Body => self.timings.body_ms = spent,
        }
    }
}

/// To the microsecond: more would be noise in every stored attempt.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
