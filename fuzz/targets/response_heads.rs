//! Whatever bytes come back over a real socket, an attempt ends, in time, with an outcome that says what they were.
#![no_main]

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use libfuzzer_sys::fuzz_target;
use ringback::{
    deliver::{
        send::{Connections, Sender},
        sign::Signed,
    },
    egress::{AllowEntry, Egress, Resolve, ResolveError, Roots},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    runtime::{Builder, Runtime},
};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

static SENDER: LazyLock<Sender> = LazyLock::new(|| {
    let loopback = AllowEntry::new("127.0.0.0/8".parse().expect("a network"), None);
    let egress = Egress { allow: vec![loopback], allow_http: true };
    Sender::new(egress, Arc::new(Nobody), Roots::Certificates(Vec::new()), Duration::from_secs(60)).expect("a sender")
});

static LISTENER: LazyLock<TcpListener> =
    LazyLock::new(|| RUNTIME.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port"));

/// Nothing is resolved here.
struct Nobody;

impl Resolve for Nobody {
    fn resolve<'life0, 'life1, 'async_trait>(
        &'life0 self,
        _host: &'life1 str,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'async_trait>>
    where
        Self: 'async_trait,
        'life0: 'async_trait,
        'life1: 'async_trait,
    {
        Box::pin(async { Err(ResolveError::NoAddress) })
    }
}

fuzz_target!(|answer: &[u8]| {
    let address: SocketAddr = LISTENER.local_addr().expect("it listens");
    let request = Signed {
        method: Default::default(),
        url: format!("http://{address}/").parse().expect("a URL"),
        headers: Default::default(),
        spelling: Default::default(),
        body: bytes::Bytes::from_static(b"{}"),
        identity: None,
    };
    let outcome = RUNTIME.block_on(async {
        let pool = Connections::default();
        let receive = async {
            let (mut stream, _) = LISTENER.accept().await.expect("it comes");
            let _ = stream.read(&mut [0; 1_024]).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
            // Until the sender has closed: a reset would take away what it has not read.
            let _ = stream.read(&mut [0; 1_024]).await;
        };
        let send = SENDER.send(&pool, &request, Duration::from_secs(5));
        tokio::select! {
            biased;
            outcome = send => outcome,
            () = async { receive.await; std::future::pending().await } => unreachable!(),
        }
    });
    assert!(outcome.duration < Duration::from_secs(5), "the receiver has closed");
    let Some(response) = &outcome.response else {
        assert!(!outcome.is_delivered());
        return;
    };
    // Empty lines before it are passed over (RFC 9112 2.2).
    let head = answer.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).map_or(&[][..], |at| &answer[at..]);
    assert!(head.starts_with(b"HTTP/1."), "hyper takes nothing else for an answer");
    assert_eq!(outcome.is_delivered(), (200..300).contains(&response.status));
    assert!(response.body.len() <= 16 * 1024 && response.body.len() <= answer.len());
    let kept: usize = response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(kept <= 32 * 1024, "{kept} bytes of headers");
});
