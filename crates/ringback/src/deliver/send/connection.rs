//! One connection to one receiver, over which one request at a time is sent.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::{TrySendError, http1},
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use hyper_util::rt::TokioIo;
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};
use url::Url;

use super::{
    budget::Meter,
    classify,
    idle::{IDLE_MAX, Idle},
    stream::Stream,
    tls::Secured,
};
use crate::{attempt::ErrorClass, egress::Identity};

/// Most bytes of one answer's head.
pub(super) const HEAD_MAX: usize = 64 * 1024;

/// The request as hyper takes it. `Full` makes the length known, so nothing is ever chunked.
pub(super) type Message = Request<Full<Bytes>>;

type Exchange = Result<Response<Incoming>, TrySendError<Message>>;

/// Drives one connection until it ends or has been idle for too long. One timer for each connection, not for each request:
/// an attempt that uses the connection only notes the time.
async fn drive(connection: http1::Connection<TokioIo<Stream>, Full<Bytes>>, line: Arc<Line>) {
    let mut connection = pin!(connection);
    let mut timer = pin!(sleep(IDLE_MAX));
    loop {
        tokio::select! {
            biased;
            _ended = &mut connection => return,
            () = &mut timer => match line.idle.expire() {
                Some(wait) => timer.as_mut().reset(Instant::now() + wait),
                None => return,
            },
        }
    }
}

/// What the task that drives a connection shares with the attempt that uses it.
struct Line {
    meter: Arc<Meter>,
    idle: Idle,
}

/// A connection over which one request at a time can be sent. Dropping it closes it.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    line: Arc<Line>,
    origin: Origin,
    generation: u64,
    /// From then on no further request begins on it; `None` if that is beyond what the clock can express.
    retires_at: Option<Instant>,
    remote_addr: SocketAddr,
    wants_certificate: bool,
    /// The current request is not the first on this connection.
    reused: bool,
    /// Receiver and sender may disagree on where the current answer ends.
    in_doubt: bool,
    task: AbortHandle,
}

impl Connection {
    /// Speaks HTTP over a fresh stream to `origin`; a task of its own drives the connection. Requests begin on it
    /// for `max_age`, less up to a quarter by chance, so that connections that were opened together do not end together.
    pub(super) async fn open(
        origin: Origin,
        secured: Secured,
        generation: u64,
        max_age: Duration,
    ) -> Result<Self, ErrorClass> {
        let line = Arc::new(Line { meter: secured.meter, idle: Idle::busy() });
        line.meter.reset();
        // hyper reads at most 100 headers unless told otherwise; telling it would cost an allocation each time.
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_MAX)
            .max_header_size(HEAD_MAX)
            .handshake(TokioIo::new(secured.stream))
            .await
            .map_err(|_| ErrorClass::Connect)?;
        let task = tokio::spawn(drive(connection, Arc::clone(&line))).abort_handle();
        Ok(Self {
            sender,
            line,
            origin,
            generation,
            retires_at: Instant::now().checked_add(max_age - (max_age / 4).mul_f64(rand::random())),
            remote_addr: secured.remote_addr,
            wants_certificate: secured.wants_certificate,
            reused: false,
            in_doubt: false,
            task,
        })
    }

    pub(super) async fn send(&mut self, message: Message) -> Exchange {
        let exchange = self.sender.try_send_request(message).await;
        self.in_doubt = exchange.as_ref().is_ok_and(is_in_doubt);
        exchange
    }

    /// The request is done; the connection is idle.
    pub(super) fn rest(&self) {
        self.line.idle.rest();
    }

    /// Takes the connection for another request, with a fresh byte budget; false if it has been idle for too long.
    pub(super) fn wake(&mut self) -> bool {
        self.line.meter.reset();
        self.reused = true;
        self.line.idle.wake()
    }

    /// Whether it can take a request at once.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether either side has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether it was opened to the host of `url`.
    pub(super) fn leads_to(&self, url: &Url) -> bool {
        self.origin.is_of(url)
    }

    /// Whether it was opened under this identity.
    pub(super) fn is_of(&self, identity: Option<&Identity>) -> bool {
        self.origin.identity == identity.map(Identity::fingerprint)
    }

    /// The lane's generation in which opening it began.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether another request may follow, now that the answer has been read to its end.
    pub(super) fn may_be_kept(&self) -> bool {
        !self.in_doubt && !self.line.meter.write_failed() && !self.is_closed() && !self.is_retired()
    }

    /// Whether it is too old for another request: its host may have moved meanwhile.
    pub(super) fn is_retired(&self) -> bool {
        self.retires_at.is_some_and(|at| at <= Instant::now())
    }

    /// Whether it was closed while it was idle, so that another may be used in its place.
    pub(super) fn died_idle(&self) -> bool {
        self.reused && self.line.meter.written() == 0
    }

    pub(super) const fn remote_addr(&self) -> SocketAddr {
        self.remote_addr
    }

    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.line.meter
    }

    /// What an error of the exchange means.
    pub(super) fn classify(&self, error: &hyper::Error) -> ErrorClass {
        classify::exchange(error, &self.line.meter, self.wants_certificate)
    }
}

/// Whether receiver and sender may disagree on where an answer ends: the answer names two lengths, or switches to another
/// protocol.
fn is_in_doubt(response: &Response<Incoming>) -> bool {
    let headers = response.headers();
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        || (headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH))
}

impl Drop for Connection {
    fn drop(&mut self) {
        // hyper would first try to finish what it is writing, to a receiver that may never read it.
        self.task.abort();
    }
}

/// What a connection was opened to, and as whom: inline destinations of one lane may inherit from different endpoints.
pub(super) struct Origin {
    https: bool,
    host: Box<str>,
    port: Option<u16>,
    identity: Option<[u8; 32]>,
}

impl Origin {
    pub(super) fn of(url: &Url, identity: Option<&Identity>) -> Self {
        Self {
            https: url.scheme() == "https",
            host: url.host_str().unwrap_or_default().into(),
            port: url.port(),
            identity: identity.map(Identity::fingerprint),
        }
    }

    fn is_of(&self, url: &Url) -> bool {
        self.port == url.port()
            && self.https == (url.scheme() == "https")
            && url.host_str().is_some_and(|host| *self.host == *host)
    }
}
