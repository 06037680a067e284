//! A customer of our own: counts, answers as told, holds requests open.
//!
//! Unlike the testkit's receiver it is well-behaved, changes its mind in the middle of a test, remembers everything that
//! arrived, and knows how many requests were open at a time.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
    time::Instant,
};

pub use ringback_testkit::Gate;

use crate::until::{BOUND, until_within};

/// A request that has arrived whole.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Counted from 0 in the order of arrival.
    pub index: usize,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// When its last byte had come.
    pub at: Instant,
    /// The same by the wall clock.
    pub at_time: SystemTime,
}

impl Arrived {
    /// A header's value, empty if it did not come.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `webhook-id`: the event's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// What a receiver does with one request.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    after: Duration,
    gate: Option<Gate>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Reply {
    /// Answers at once.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { status, after: Duration::ZERO, gate: None, headers: Vec::new(), body: Bytes::new() }
    }

    /// Thinks for so long first.
    #[must_use]
    pub const fn after(mut self, pause: Duration) -> Self {
        self.after = pause;
        self
    }

    /// Waits for the gate first.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Says this as well.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

type Script = Box<dyn FnMut(&Arrived) -> Reply + Send>;

struct Shared {
    script: Mutex<Script>,
    arrived: Mutex<Vec<Arrived>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// A listener on the loopback; it stops when dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: AbortHandle,
}

impl Receiver {
    /// Answers as `script` says, request by request.
    pub async fn scripted(script: impl FnMut(&Arrived) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("the loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            arrived: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, listening }
    }

    /// Always answers 204 at once.
    pub async fn healthy() -> Self {
        Self::answering(204).await
    }

    /// Always answers with this status at once.
    pub async fn answering(status: u16) -> Self {
        Self::scripted(move |_| Reply::status(status)).await
    }

    /// From the next request on.
    pub fn answer(&self, script: impl FnMut(&Arrived) -> Reply + Send + 'static) {
        *self.shared.script.lock().expect("nobody panics with it") = Box::new(script);
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived so far, in that order.
    #[must_use]
    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().expect("nobody panics with it").clone()
    }

    /// How much has arrived so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.arrived.lock().expect("nobody panics with it").len()
    }

    /// The first `count` requests, as soon as so many have arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Arrived> {
        self.wait_within(BOUND, count).await
    }

    /// As [`Receiver::wait_for`], with a bound of its own.
    pub async fn wait_within(&self, bound: Duration, count: usize) -> Vec<Arrived> {
        let what = format!("{count} requests have arrived");
        until_within(bound, &what, async || (self.count() >= count).then(|| self.arrived())).await
    }

    /// How many TCP connections were ever accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many requests are being answered now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// The most requests that were ever being answered at the same time.
    #[must_use]
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    // A sender that goes away in the middle is what some tests are about.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Response::new(Full::default()) };
    let open = Open::new(shared);
    let reply = {
        let mut all = shared.arrived.lock().expect("nobody panics with it");
        let arrived = Arrived {
            index: all.len(),
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: body.to_bytes(),
            at: Instant::now(),
            at_time: SystemTime::now(),
        };
        let reply = shared.script.lock().expect("nobody panics with it")(&arrived);
        all.push(arrived);
        reply
    };
    tokio::time::sleep(reply.after).await;
    if let Some(gate) = &reply.gate {
        gate.passed().await;
    }
    drop(open);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(reply.body)).expect("a reply that HTTP can carry")
}

/// Counts a request as open until it is answered or its sender has gone.
struct Open<'a>(&'a Shared);

impl<'a> Open<'a> {
    fn new(shared: &'a Shared) -> Self {
        let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_open.fetch_max(open, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
