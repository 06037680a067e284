//! A receiver on a real socket that does what a test scripts.
//!
//! It speaks HTTP/1.1 by hand, so that it can also speak it badly, and it hands every request over as
//! soon as it has been read, before it replies. Dropping it closes its socket and all its connections.
//!
//! Panics when it cannot listen, and when a request that a test waits for does not come within 30 s.

mod received;
mod reply;
mod wire;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use self::wire::Wire;
pub use self::{received::Received, reply::Reply};

/// How long a test waits for what must come. Only a failing test ever waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A scripted receiver.
#[derive(Debug)]
pub struct Receiver {
    scheme: &'static str,
    address: SocketAddr,
    requests: Mutex<mpsc::UnboundedReceiver<Received>>,
    counts: Arc<Counts>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
    open: watch::Sender<usize>,
}

type Script = dyn Fn(&Received) -> Reply + Send + Sync;

/// How a receiver is set up before it starts.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    tls: Option<Arc<ServerConfig>>,
    reads: Reads,
    address: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Reads {
    #[default]
    Requests,
    Heads,
    Nothing,
}

impl Setup {
    /// Speaks TLS.
    #[must_use]
    pub fn tls(mut self, server: ServerConfig) -> Self {
        self.tls = Some(Arc::new(server));
        self
    }

    /// Replies when it has read the head, and leaves the body unread.
    #[must_use]
    pub const fn reading_heads_only(mut self) -> Self {
        self.reads = Reads::Heads;
        self
    }

    /// Replies as soon as somebody connects, without reading; such requests are not handed over.
    #[must_use]
    pub const fn reading_nothing(mut self) -> Self {
        self.reads = Reads::Nothing;
        self
    }

    /// Listens there instead of on a free port of 127.0.0.1.
    #[must_use]
    pub const fn at(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Starts it.
    pub async fn start(self, script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Receiver {
        let address = self.address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let listener = TcpListener::bind(address).await.expect("a local port is free");
        let (sender, requests) = mpsc::unbounded_channel();
        let counts = Arc::new(Counts::default());
        let receiver = Serving { setup: self.clone(), script: Arc::new(script), sender, counts: Arc::clone(&counts) };
        Receiver {
            scheme: if self.tls.is_some() { "https" } else { "http" },
            address: listener.local_addr().expect("it is bound"),
            requests: Mutex::new(requests),
            counts,
            task: tokio::spawn(receiver.serve(listener)).abort_handle(),
        }
    }
}

impl Receiver {
    /// Starts one that speaks plain HTTP on a free port of 127.0.0.1.
    pub async fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::setup().start(script).await
    }

    /// Starts one that speaks TLS.
    pub async fn start_tls(server: ServerConfig, script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::setup().tls(server).start(script).await
    }

    /// Another kind of receiver.
    #[must_use]
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, by address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/hook", self.scheme, self.address)
    }

    /// Its URL under a name, which a resolver must know.
    #[must_use]
    pub fn url_under(&self, name: &str) -> String {
        format!("{}://{name}:{}/hook", self.scheme, self.address.port())
    }

    /// The next request that no one has taken yet, in order of arrival.
    pub async fn next(&self) -> Received {
        let mut requests = self.requests.lock().await;
        timeout(PATIENCE, requests.recv()).await.ok().flatten().expect("a request comes within 30 s")
    }

    /// The next request if it is already there.
    pub async fn next_if_any(&self) -> Option<Received> {
        self.requests.lock().await.try_recv().ok()
    }

    /// How many requests have come, taken or not.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }

    /// How many connections have been accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open now, as far as the receiver has noticed.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        *self.counts.open.borrow()
    }

    /// Waits until that many connections are open.
    pub async fn until_open(&self, connections: usize) {
        let mut open = self.counts.open.subscribe();
        let reached = timeout(PATIENCE, open.wait_for(|open| *open == connections)).await;
        reached.expect("that many connections are open within 30 s").expect("the receiver counts them");
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What all connections of a receiver share.
#[derive(Clone)]
struct Serving {
    setup: Setup,
    script: Arc<Script>,
    sender: mpsc::UnboundedSender<Received>,
    counts: Arc<Counts>,
}

impl Serving {
    async fn serve(self, listener: TcpListener) {
        // Dropped with this task, and all its connections with it.
        let mut connections = JoinSet::new();
        loop {
            let Ok((socket, _)) = listener.accept().await else {
                // Out of descriptors, most likely: some of those in use must end first.
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let number = self.counts.connections.fetch_add(1, Ordering::SeqCst) + 1;
            connections.spawn(self.clone().attend(socket, number));
            while connections.try_join_next().is_some() {}
        }
    }

    async fn attend(self, socket: TcpStream, number: usize) {
        let _open = Open::count(&self.counts.open);
        let _ = socket.set_nodelay(true);
        if let Some(mut wire) = self.secure(socket).await {
            self.converse(&mut wire, number).await;
        }
    }

    async fn secure(&self, socket: TcpStream) -> Option<Wire> {
        match &self.setup.tls {
            None => Some(Wire::Plain(socket)),
            Some(server) => {
                let stream = TlsAcceptor::from(Arc::clone(server)).accept(socket).await.ok()?;
                Some(Wire::Tls(Box::new(stream)))
            }
        }
    }

    async fn converse(&self, wire: &mut Wire, number: usize) {
        if matches!(self.setup.reads, Reads::Nothing) {
            (self.script)(&Received::unread(number)).play(wire).await;
            return;
        }
        let with_body = matches!(self.setup.reads, Reads::Requests);
        let mut buffer = BytesMut::new();
        while let Some(mut received) = Received::read(wire, &mut buffer, number, with_body).await {
            received.nth = self.counts.requests.fetch_add(1, Ordering::SeqCst) + 1;
            let reply = (self.script)(&received);
            // A test that dropped its receiver's requests does not want them.
            let _ = self.sender.send(received);
            if !reply.play(wire).await {
                return;
            }
        }
    }
}

/// Counts one connection for as long as it lives.
struct Open<'a>(&'a watch::Sender<usize>);

impl<'a> Open<'a> {
    fn count(open: &'a watch::Sender<usize>) -> Self {
        open.send_modify(|count| *count += 1);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
