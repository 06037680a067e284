//! What the sender makes of receivers, good and hostile ones, each on a real socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod addresses;
mod answers;
mod bodies;
mod connections;
mod forbidden;
mod names;
mod requests;
mod silence;
mod spelling;
mod tls;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use ringback::{
    attempt::{ErrorClass, Failure, Outcome, Phase},
    deliver::{
        send::{Connections, Sender, Spelling},
        sign::Signed,
    },
    egress::{Egress, Resolve, Roots},
    endpoint::Method,
};
use ringback_testkit::{Names, Receiver, Reply};

/// A deadline that only attempts reach that are meant to.
const AMPLE: Duration = Duration::from_secs(20);

/// For how long connections are used where a test is not about that.
const CONNECTION_MAX_AGE: Duration = Duration::from_secs(60);

/// A deadline for attempts that cannot end before it.
const SHORT: Duration = Duration::from_millis(400);

fn egress(allow: &[&str]) -> Egress {
    Egress { allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(), allow_http: true }
}

/// A sender that may dial loopback and knows no names.
fn sender() -> Sender {
    sender_with(egress(&["127.0.0.0/8", "::1"]), Names::new(), Roots::Certificates(Vec::new()))
}

fn sender_with(egress: Egress, names: impl Resolve + 'static, roots: Roots) -> Sender {
    Sender::new(egress, Arc::new(names), roots, CONNECTION_MAX_AGE).unwrap()
}

fn signed(url: &str) -> Signed {
    signed_with(url, Bytes::from_static(br#"{"call":"ended"}"#))
}

fn signed_with(url: &str, body: Bytes) -> Signed {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let method = Method::Post;
    Signed { method, url: url.parse().unwrap(), headers, spelling: Spelling::default(), body, identity: None }
}

/// One attempt over a connection of its own.
async fn attempt(url: &str, timeout: Duration) -> Outcome {
    sender().send(&Connections::default(), &signed(url), timeout).await
}

/// One attempt at a receiver that replies like this.
async fn meet(reply: Reply) -> Outcome {
    meet_within(reply, AMPLE).await
}

async fn meet_within(reply: Reply, timeout: Duration) -> Outcome {
    let receiver = Receiver::start(move |_| reply.clone()).await;
    attempt(&receiver.url(), timeout).await
}

#[track_caller]
fn assert_delivered(outcome: &Outcome, status: u16) {
    assert_eq!(outcome.failure, None, "{outcome:?}");
    assert_eq!(outcome.response.as_ref().map(|response| response.status), Some(status));
}

/// An answer came, and it was no success.
#[track_caller]
fn assert_answered(outcome: &Outcome, status: u16, error: ErrorClass) {
    assert_eq!(outcome.failure, Some(Failure { error, phase: None, ambiguous: false }), "{outcome:?}");
    assert_eq!(outcome.response.as_ref().map(|response| response.status), Some(status));
}

/// No answer came, and no byte of the request was written.
#[track_caller]
fn assert_unsent(outcome: &Outcome, error: ErrorClass, phase: Phase) {
    assert_eq!(outcome.failure, Some(Failure { error, phase: Some(phase), ambiguous: false }), "{outcome:?}");
    assert_eq!(outcome.response, None);
}

/// No answer came, and the receiver may have processed the request.
#[track_caller]
fn assert_ambiguous(outcome: &Outcome, error: ErrorClass, phase: Phase) {
    assert_eq!(outcome.failure, Some(Failure { error, phase: Some(phase), ambiguous: true }), "{outcome:?}");
    assert_eq!(outcome.response, None);
}
