//! The accept loop. Every connection gets a place (`places`) and has a limited time for its request's head and for reading
//! its answer. The `door` judges requests before the router is asked. At the end, open requests are answered first. The
//! router itself limits the time of bodies, the memory of bodies and the time of answers, and refuses with an answer.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

pub(crate) use super::places::Limits;
use super::{
    door::Door,
    impatient::Impatient,
    places::{Notice, Places},
    refusing::Refusing,
};

/// The time limits of one client.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How long the head of a request may take, including idle keep-alive.
    head: Duration,
    /// The same for connections in the reserve, whose requests are small.
    head_in_reserve: Duration,
    /// How long a client may read nothing of its answer.
    reading: Duration,
}

const PATIENCE: Patience = Patience {
    head: Duration::from_secs(10),
    head_in_reserve: Duration::from_secs(3),
    reading: Duration::from_secs(30),
};

/// Most bytes of a request's head. hyper also refuses more than a hundred headers by itself.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Most bytes that a connection buffers before they are read: room for a head, and for large parts of a body.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// How long to wait after an accept that failed: usually too many files are open.
const PAUSE: Duration = Duration::from_millis(50);

/// The router that is served, and the limits of connections.
pub(crate) struct Served {
    pub(crate) router: Router,
    /// The prefix of every path of the router.
    pub(crate) base_path: String,
    pub(crate) limits: Limits,
}

/// Answers connections until `end`, then lets open requests finish for at most `grace`.
pub(crate) async fn serve(listener: TcpListener, served: Served, end: impl Future<Output = ()>, grace: Duration) {
    serve_with(PATIENCE, listener, served, end, grace).await;
}

async fn serve_with(
    patience: Patience,
    listener: TcpListener,
    served: Served,
    end: impl Future<Output = ()>,
    grace: Duration,
) {
    let Served { router, base_path, limits } = served;
    let base_path: Arc<str> = base_path.into();
    let places = Places::new(limits);
    let open = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (place, notice) = places.take(peer.ip());
                let door = Door { peer, place, base_path: Arc::clone(&base_path), outgoing: Arc::default() };
                answer(patience, stream, door, notice, router.clone(), &open);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, open.shutdown()).await.is_err() {
        tracing::warn!("some requests to the API were still open when the time to stop was over");
    }
}

fn answer(
    patience: Patience,
    stream: TcpStream,
    door: Door,
    notice: Option<Notice>,
    router: Router,
    open: &GracefulShutdown,
) {
    // Answers are written as a whole: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = Refusing::new(Impatient::new(stream, patience.reading), Arc::clone(&door.outgoing));
    let head = if notice.is_some() { patience.head_in_reserve } else { patience.head };
    let door = Arc::new(door);
    let service = service_fn(move |request| {
        let (door, router) = (Arc::clone(&door), router.clone());
        async move {
            match door.admit(request) {
                Ok(request) => router.oneshot(request).await.map(|response| door.answer(response)),
                Err(refused) => Ok(door.refuse(refused)),
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let connection = open.watch(connection);
    tokio::spawn(async move {
        let must_leave = async {
            match notice {
                Some(notice) => drop(notice.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection to the API ended early: {error}");
            },
            () = must_leave => tracing::debug!("a connection to the API gave its place to another"),
        }
    });
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{extract::ConnectInfo, routing::get};
    use ringback_admin::TrustedProxies;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::{Notify, oneshot},
        task::JoinHandle,
        time::timeout,
    };

    use super::*;

    /// Longer than anything here waits for.
    const BOUND: Duration = Duration::from_secs(30);

    const SHORT: Patience = Patience {
        head: Duration::from_millis(200),
        head_in_reserve: Duration::from_millis(200),
        reading: Duration::from_millis(200),
    };

    /// Never over while a test runs.
    const LONG: Patience = Patience { head: BOUND, head_in_reserve: BOUND, reading: BOUND };

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    fn limits(connections: usize) -> Limits {
        Limits { connections, per_address: usize::MAX, proxies: TrustedProxies::default() }
    }

    struct Server {
        address: SocketAddr,
        end: Option<oneshot::Sender<()>>,
        serving: JoinHandle<()>,
    }

    impl Server {
        async fn start(patience: Patience, router: Router, connections_max: usize) -> Self {
            Self::limited(patience, router, limits(connections_max)).await
        }

        async fn limited(patience: Patience, router: Router, limits: Limits) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (end, ended) = oneshot::channel();
            let ended = async move {
                let _ = ended.await;
            };
            let served = Served { router, base_path: String::new(), limits };
            let serving = tokio::spawn(serve_with(patience, listener, served, ended, BOUND));
            Self { address, end: Some(end), serving }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        fn end(&mut self) {
            self.end.take().unwrap().send(()).unwrap();
        }
    }

    fn hello() -> Router {
        Router::new().route("/", get(async || "hello"))
    }

    /// One answer to one request.
    async fn asked(stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.unwrap();
        answered(stream).await
    }

    async fn answered(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"hello") {
            let read = timeout(BOUND, stream.read_buf(&mut text)).await.expect("an answer in time").unwrap();
            assert_ne!(read, 0, "the connection ended: {}", String::from_utf8_lossy(&text));
        }
        String::from_utf8(text).unwrap()
    }

    /// Waits for the server to end the connection.
    async fn ended(stream: &mut TcpStream) {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = timeout(BOUND, stream.read_to_end(&mut rest)).await.expect("the server ends the connection");
    }

    #[tokio::test]
    async fn a_request_says_from_where_it_comes() {
        let peer = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| format!("{peer} hello");
        let server = Server::start(LONG, Router::new().route("/", get(peer)), 100).await;
        let mut stream = server.connect().await;
        let answer = asked(&mut stream).await;
        assert!(answer.contains(&stream.local_addr().unwrap().to_string()), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_sends_no_whole_head_is_let_go() {
        let server = Server::start(SHORT, hello(), 100).await;
        for begun in [&b""[..], b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
            let mut stream = server.connect().await;
            stream.write_all(begun).await.unwrap();
            ended(&mut stream).await;
        }
        let mut idle = server.connect().await;
        asked(&mut idle).await;
        ended(&mut idle).await;
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_its_answer_gives_its_place_back() {
        let large = Router::new().route("/", get(async || vec![b'x'; 64 * 1024 * 1024]));
        let server = Server::start(Patience { head: BOUND, ..SHORT }, large, 100).await;
        let mut deaf = server.connect().await;
        deaf.write_all(REQUEST).await.unwrap();
        let mut begun = [0; 12];
        timeout(BOUND, deaf.read_exact(&mut begun)).await.unwrap().unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        // Until the server has given up, there is nothing to wait for but the time.
        tokio::time::sleep(SHORT.reading * 3).await;
        let mut rest = Vec::new();
        let read = timeout(BOUND, deaf.read_to_end(&mut rest)).await.expect("the server ends the connection");
        assert!(read.is_err() || rest.len() < 64 * 1024 * 1024, "the answer was cut off");
    }

    #[tokio::test]
    async fn silent_connections_leave_the_reserve_to_those_who_ask() {
        // 127.0.0.1 would be near, and so find a place for everything: this is another machine as far as it knows.
        let strangers = Limits { proxies: ["127.0.0.0/8".parse().unwrap()].into_iter().collect(), ..limits(34) };
        let routes = Router::new().route("/healthz", get(async || "hello")).route("/", get(async || "hello"));
        let server = Server::limited(LONG, routes, strangers).await;
        let mut silent = Vec::new();
        for _ in 0..100 {
            silent.push(server.connect().await);
        }
        let mut watching = server.connect().await;
        watching.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answer = answered(&mut watching).await;
        assert!(answer.contains("connection: close"), "one request each: {answer}");
        let mut other = server.connect().await;
        other.write_all(REQUEST).await.unwrap();
        let mut refused = String::new();
        timeout(BOUND, other.read_to_string(&mut refused)).await.unwrap().unwrap();
        assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("too_many_connections"), "{refused}");
        assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
        drop(silent);
    }

    #[tokio::test]
    async fn idle_connections_do_not_keep_the_server_from_ending() {
        let mut server = Server::start(LONG, hello(), 100).await;
        let mut idle = server.connect().await;
        asked(&mut idle).await;
        server.end();
        timeout(BOUND / 2, server.serving).await.expect("an end in time").unwrap();
        ended(&mut idle).await;
    }

    #[tokio::test]
    async fn what_is_open_at_the_end_is_answered_first() {
        let (open, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (open, go_on) = (Arc::clone(&open), Arc::clone(&go_on));
            async move || {
                open.notify_one();
                go_on.notified().await;
                "hello"
            }
        };
        let mut server = Server::start(LONG, Router::new().route("/", get(handler)), 100).await;
        let mut stream = server.connect().await;
        stream.write_all(REQUEST).await.unwrap();
        open.notified().await;
        server.end();
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        go_on.notify_one();
        let answer = answered(&mut stream).await;
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
        timeout(BOUND, server.serving).await.expect("an end in time").unwrap();
    }
}
