//! The accept loop: every connection has a limited time for its request's head and for reading its answer, and there is
//! a limited number of connections; what is open when the end comes is answered first. How long a body may take and an
//! answer may be waited for is the router's own affair: it says so in an answer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use tower::ServiceExt as _;

use super::impatient::Impatient;

/// What one client may take of the server.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How long the head of a request may take, idle keep-alive included.
    head: Duration,
    /// How long a client may read nothing of its answer.
    reading: Duration,
}

const PATIENCE: Patience = Patience { head: Duration::from_secs(10), reading: Duration::from_secs(30) };

/// How long to wait after an accept that failed, which is for want of files as a rule.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers connections until `end`, then lets open requests finish for at most `grace`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    end: impl Future<Output = ()>,
    grace: Duration,
) {
    serve_with(PATIENCE, listener, router, connections_max, end, grace).await;
}

async fn serve_with(
    patience: Patience,
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    end: impl Future<Output = ()>,
    grace: Duration,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    let open = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok(accepted) => answer(patience, accepted, router.clone(), &open),
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

/// A connection, from whom, and its place among those there may be.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok(Accepted { stream, peer, place })
}

fn answer(patience: Patience, accepted: Accepted, router: Router, open: &GracefulShutdown) {
    let Accepted { stream, peer, place } = accepted;
    let router = router.map_request(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    // Answers are small and whole: waiting to fill a packet would only add to their time.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .serve_connection(TokioIo::new(Impatient::new(stream, patience.reading)), TowerToHyperService::new(router));
    let connection = open.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the API ended early: {error}");
        }
        drop(place);
    });
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::{Notify, oneshot},
        task::JoinHandle,
        time::timeout,
    };

    use super::*;

    /// Longer than anything here waits for.
    const BOUND: Duration = Duration::from_secs(30);

    const SHORT: Patience = Patience { head: Duration::from_millis(200), reading: Duration::from_millis(200) };

    /// Never over while a test runs.
    const LONG: Patience = Patience { head: BOUND, reading: BOUND };

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    struct Server {
        address: std::net::SocketAddr,
        end: Option<oneshot::Sender<()>>,
        serving: JoinHandle<()>,
    }

    impl Server {
        async fn start(patience: Patience, router: Router, connections_max: usize) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (end, ended) = oneshot::channel();
            let ended = async move {
                let _ = ended.await;
            };
            let serving = tokio::spawn(serve_with(patience, listener, router, connections_max, ended, BOUND));
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
        let server = Server::start(LONG, Router::new().route("/", get(peer)), 10).await;
        let mut stream = server.connect().await;
        let answer = asked(&mut stream).await;
        assert!(answer.contains(&stream.local_addr().unwrap().to_string()), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_sends_no_whole_head_is_let_go() {
        let server = Server::start(SHORT, hello(), 10).await;
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
    async fn a_client_that_does_not_read_its_answer_gives_its_place_to_the_next() {
        let large = Router::new().route("/", get(async || vec![b'x'; 64 * 1024 * 1024]));
        let server = Server::start(Patience { head: BOUND, ..SHORT }, large, 1).await;
        let mut deaf = server.connect().await;
        deaf.write_all(REQUEST).await.unwrap();
        let mut next = server.connect().await;
        next.write_all(REQUEST).await.unwrap();
        let mut begun = [0; 12];
        timeout(BOUND, next.read_exact(&mut begun)).await.expect("its turn comes").unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_wait_for_a_place() {
        let server = Server::start(LONG, hello(), 1).await;
        let mut first = server.connect().await;
        asked(&mut first).await;
        let mut second = server.connect().await;
        second.write_all(REQUEST).await.unwrap();
        let mut byte = [0];
        assert!(timeout(Duration::from_millis(200), second.read(&mut byte)).await.is_err(), "the one place is taken");
        drop(first);
        answered(&mut second).await;
    }

    #[tokio::test]
    async fn idle_connections_do_not_keep_the_server_from_ending() {
        let mut server = Server::start(LONG, hello(), 10).await;
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
        let mut server = Server::start(LONG, Router::new().route("/", get(handler)), 10).await;
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
