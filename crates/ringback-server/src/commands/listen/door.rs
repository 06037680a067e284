//! Receives requests, checks them, answers by the rules of the command line, and passes them on to be shown.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use ringback::{
    endpoint,
    time::Timestamp,
    verify::{Expectation, Report, Request},
};
use tokio::sync::{mpsc, oneshot};

/// Most bytes of a body: more than an event may have.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A request that came, with the result of its check and its answer.
#[derive(Debug)]
pub(super) struct Visit {
    /// When it came.
    pub(super) at: Timestamp,
    /// The method.
    pub(super) method: Method,
    /// Path and query.
    pub(super) uri: Uri,
    /// Headers and body as they came.
    pub(super) request: Request,
    /// The result of the check; `None` if nothing was checked.
    pub(super) report: Option<Report>,
    /// The status of the answer.
    pub(super) status: StatusCode,
    go: oneshot::Sender<()>,
    gone: oneshot::Receiver<()>,
}

impl Visit {
    /// Whether the check found nothing wrong.
    pub(super) fn verifies(&self) -> bool {
        self.report.as_ref().is_none_or(Report::verifies)
    }

    /// Has the answer sent and waits until it is on its way.
    pub(super) async fn answered(self) {
        let _ = self.go.send(());
        // Fails if the sender has hung up.
        let _ = self.gone.await;
    }
}

/// The rules, and where visits are sent to be shown.
#[derive(Debug)]
pub(super) struct Door {
    expectation: Option<Expectation>,
    status: u16,
    fail_first: u64,
    seen: AtomicU64,
    visits: mpsc::UnboundedSender<Visit>,
}

impl Door {
    /// A door, and the visits through it.
    pub(super) fn new(
        expectation: Option<Expectation>,
        status: u16,
        fail_first: u64,
    ) -> (Self, mpsc::UnboundedReceiver<Visit>) {
        let (sender, visits) = mpsc::unbounded_channel();
        (Self { expectation, status, fail_first, seen: AtomicU64::default(), visits: sender }, visits)
    }

    /// Every path and method leads here.
    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(enter).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(self)
    }

    fn answer(&self, report: Option<&Report>) -> StatusCode {
        let before = self.seen.fetch_add(1, Relaxed);
        if report.is_some_and(|report| !report.verifies()) {
            StatusCode::UNAUTHORIZED
        } else if before < self.fail_first {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK)
        }
    }
}

async fn enter(State(door): State<Arc<Door>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    // One that Ringback does not send can only be a scheme's that does not sign the method.
    let by = method.as_str().parse::<endpoint::Method>().unwrap_or_default();
    let request = Request { method: by, headers, body: body.to_vec() };
    let at = Timestamp::now();
    let report = door.expectation.as_ref().map(|expectation| expectation.judge(&request, at));
    let status = door.answer(report.as_ref());
    let words = words(report.as_ref());
    let (go, told) = oneshot::channel();
    let (left, gone) = oneshot::channel();
    // Shown before it is answered: once the sender has its answer, the request is on the screen.
    if door.visits.send(Visit { at, method, uri, request, report, status, go, gone }).is_ok() {
        let _ = told.await;
    }
    let answer = (status, words).into_response();
    drop(left);
    answer
}

/// The body of the answer: it tells what differs, which is no secret, since people look for it in the sender's log.
fn words(report: Option<&Report>) -> String {
    let findings = report.map(|report| report.findings.as_slice()).unwrap_or_default();
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}
