//! What a caller may take of the listener, over real sockets: connections, heads, bodies; and what a wrong token is told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;
mod support;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;
use server::Server;
use support::{complained, ringback, run, said};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

/// Longer than any answer takes, and shorter than any time-out of the server's that a test must not wait for.
const SOON: Duration = Duration::from_secs(5);

/// The largest batch, and what is said of one.
const MIB: usize = 1024 * 1024;

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// The code of a refusal, whose form is checked.
    fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        assert!(self.head.contains("x-request-id: ") && self.head.contains("cache-control: no-store"), "{self:?}");
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], status);
        assert!(problem["instance"].as_str().unwrap().starts_with("urn:request:"));
        problem["code"].as_str().unwrap().to_owned()
    }
}

fn address(server: &Server) -> SocketAddr {
    server.url.trim_start_matches("http://").parse().unwrap()
}

/// What is answered to this text, to the end of the connection.
fn told(server: &Server, text: &str) -> Answer {
    let mut stream = TcpStream::connect(address(server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A server that has refused may read no further.
    let _ = stream.write_all(text.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    Answer::read(&answer)
}

/// A connection from an address of this machine that says this, and says no more.
async fn connected(server: &Server, from: &str, says: &str) -> std::io::Result<tokio::net::TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{from}:0").parse().unwrap())?;
    let mut stream = socket.connect(address(server)).await?;
    stream.write_all(says.as_bytes()).await?;
    Ok(stream)
}

async fn asked(server: &Server, from: &str, path: &str) -> Answer {
    let token = server.token.clone().unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
    let mut stream = connected(server, from, &request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    Answer::read(&answer)
}

fn more_files() {
    assert!(rlimit::increase_nofile_limit(8_192).unwrap() >= 4_096, "this test opens 1,500 connections");
}

#[tokio::test]
async fn silent_connections_do_not_take_health_away() {
    more_files();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &["--trusted-proxies", "127.9.0.0/16"]);
    for addresses in [1, 150] {
        let mut silent = Vec::new();
        for index in 0..1_500 {
            silent.push(connected(&server, &format!("127.1.0.{}", 1 + index % addresses), "").await.unwrap());
        }
        for path in ["/healthz", "/readyz", "/metrics", "/v1/ledger"] {
            let begun = Instant::now();
            assert_eq!(asked(&server, "127.0.0.1", path).await.status, 200, "{path}");
            assert!(begun.elapsed() < SOON, "{path} took {:?}", begun.elapsed());
        }
        if addresses > 1 {
            // Whoever comes through a proxy is no caller on this machine: watching is answered, and nothing else.
            assert_eq!(asked(&server, "127.9.0.1", "/healthz").await.status, 200);
            let mut refused = asked(&server, "127.9.0.1", "/v1/ledger").await;
            // Whoever says nothing is let go after a while, and on a slow machine that while is over for some.
            for _ in 0..5 {
                if refused.status == 503 {
                    break;
                }
                for index in 0..500 {
                    silent.push(connected(&server, &format!("127.1.0.{}", 1 + index % addresses), "").await.unwrap());
                }
                refused = asked(&server, "127.9.0.1", "/v1/ledger").await;
            }
            assert_eq!(refused.refused(503), "too_many_connections");
            assert!(refused.head.contains("retry-after: 1") && refused.head.contains("connection: close"));
        }
    }
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_a_proxy_any_number() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--max-connections-per-address", "3", "--trusted-proxies", "127.9.0.1"];
    let server = Server::start(ringback(folder.path()), &flags);
    // Callers on this machine find a place in the reserve, which is for one request: that tells where they sit.
    let keeps = async |from: &str| {
        let mut stream = connected(&server, from, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4_096];
        let read = stream.read(&mut answer).await.unwrap();
        let answer = Answer::read(&String::from_utf8_lossy(&answer[..read]));
        assert_eq!(answer.status, 200);
        (!answer.head.contains("connection: close")).then_some(stream)
    };
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(keeps("127.1.0.1").await.unwrap());
    }
    assert!(keeps("127.1.0.1").await.is_none(), "the fourth");
    assert!(keeps("127.1.0.2").await.is_some(), "another address");
    for _ in 0..10 {
        open.push(keeps("127.9.0.1").await.unwrap());
    }
}

#[test]
fn a_head_has_its_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let request = |headers: &str| {
        told(&server, &format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n"))
    };
    // The lines around it have 64 bytes.
    let of_size = |bytes: usize| format!("x-large: {}\r\n", "a".repeat(bytes - 64));
    assert_eq!(request(&of_size(32 * 1_024)).status, 200);
    for bytes in [32 * 1_024 + 1, 40 * 1_024, 100 * 1_024, 4 * MIB] {
        assert_eq!(request(&of_size(bytes)).refused(431), "head_too_large", "{bytes}");
    }
    let many = |count: usize| (2..count).map(|index| format!("x-{index}: a\r\n")).collect::<String>();
    assert_eq!(request(&many(100)).status, 200);
    assert_eq!(request(&many(101)).refused(431), "head_too_large");
    assert_eq!(request(&many(1_000)).refused(431), "head_too_large");
    assert_eq!(told(&server, "nonsense\r\n\r\n").refused(400), "malformed_request");
    assert_eq!(told(&server, &format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(40_000))).status, 431);
}

#[test]
fn a_request_names_one_host() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let ask = |line: &str, hosts: &str| told(&server, &format!("{line}\r\n{hosts}connection: close\r\n\r\n"));
    assert_eq!(ask("GET /healthz HTTP/1.1", "host: x\r\n").status, 200);
    assert_eq!(ask("GET /healthz HTTP/1.1", "").refused(400), "required");
    assert_eq!(ask("GET /healthz HTTP/1.1", "host: x\r\nhost: x\r\n").refused(400), "duplicate_parameter");
    assert_eq!(ask("GET /healthz HTTP/1.1", "host: x\r\nHost: y\r\n").refused(400), "duplicate_parameter");
    assert_eq!(ask("GET /healthz HTTP/1.0", "").status, 200);
    assert_eq!(ask("GET http://x/healthz HTTP/1.1", "host: x\r\n").status, 200);
    assert_eq!(ask("GET http://x/healthz HTTP/1.1", "").refused(400), "required");
    // The target goes before the header: pages are not answered under a foreign name.
    assert_eq!(ask("GET http://evil.example/login HTTP/1.1", "host: localhost\r\n").status, 421);
    assert_eq!(ask("GET http://localhost/login HTTP/1.1", "host: evil.example\r\n").status, 200);
}

/// A client that is cut off in the middle of its request may lose the answer.
#[test]
fn a_refusal_comes_before_its_request_has_and_cuts_nothing_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    for (hosts, code) in [("", "required"), ("host: x\r\nhost: x\r\n", "duplicate_parameter")] {
        let mut stream = TcpStream::connect(address(&server)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "POST /v1/events HTTP/1.1\r\n{hosts}content-length: {MIB}\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut part = [0; 4_096];
            let read = stream.read(&mut part).unwrap();
            assert_ne!(read, 0, "the connection ended: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&part[..read]);
        }
        assert_eq!(Answer::read(&String::from_utf8(answer).unwrap()).refused(400), code);
        // Were the connection closed by now, the first of these would be answered by a reset, and the second would fail.
        for _ in 0..2 {
            stream.write_all(&[b'a'; 1_000]).unwrap();
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "no further request may come on it");
    }
}

#[test]
fn a_compressed_body_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let token = server.token.as_deref().unwrap();
    let post = |coding: &str| {
        told(
            &server,
            &format!(
                "POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
                 content-encoding: {coding}\r\ncontent-length: 24\r\nconnection: close\r\n\r\n{{\"type\":\"x\",\"payload\":1}}"
            ),
        )
    };
    assert_eq!(post("identity").status, 202);
    for coding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
        assert_eq!(post(coding).refused(415), "unsupported_content_encoding", "{coding}");
    }
}

/// Every operation of the API that needs a token.
fn operations(server: &Server) -> Vec<(String, String)> {
    let document = told(server, "GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let document: Value = serde_json::from_str(&document.body).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"][0].get("token").is_some() {
                operations.push((method.to_uppercase(), path.replace(['{', '}'], "x")));
            }
        }
    }
    assert!(operations.len() > 25, "{operations:?}");
    operations
}

#[test]
fn a_wrong_token_is_told_so_before_its_body_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &["--max-request-memory", "1"]);
    let body = "a".repeat(16 * MIB);
    for (method, path) in operations(&server) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer wrong\r\ncontent-type: application/json\r\n"
        );
        // The answer comes though the body never does.
        let mut stream = TcpStream::connect(address(&server)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "{head}content-length: {}\r\n\r\n", body.len()).unwrap();
        let begun = Instant::now();
        let mut answer = vec![0; 4_096];
        let read = stream.read(&mut answer).unwrap();
        let answer = Answer::read(&String::from_utf8_lossy(&answer[..read]));
        assert_eq!(answer.refused(401), "unauthorized", "{method} {path}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{method} {path} took {:?}", begun.elapsed());
        if path != "/v1/events" {
            continue;
        }
        // And where it does come, the connection goes on after it.
        write!(stream, "{body}GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(Answer::read(&rest).status, 200);
    }
}

#[test]
fn wrong_tokens_are_counted_by_address_and_a_right_one_passes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &["--trusted-proxies", "127.0.0.0/8"]);
    let token = server.token.clone().unwrap();
    let ask = |token: &str, from: &str| {
        told(
            &server,
            &format!(
                "GET /v1/ledger HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nx-forwarded-for: {from}\r\n\
                 connection: close\r\n\r\n"
            ),
        )
    };
    let mut refused = (0..5_000).map(|_| ask("a-guess-of-a-token", "203.0.113.9, 198.51.100.7"));
    let limited = refused.find(|answer| answer.status != 401).unwrap();
    assert_eq!(limited.refused(429), "too_many_failures");
    assert!(limited.head.contains("retry-after: 1"), "{limited:?}");
    assert_eq!(ask(&token, "198.51.100.7").status, 200);
    let others = (1..4).map(|host| ask("a-guess-of-a-token", &format!("192.0.2.{host}")).status);
    assert!(others.into_iter().any(|status| status == 401), "others are not counted with the one who guesses");
}

/// The most memory that a process has ever had, in bytes.
fn most_memory(of: &Server) -> usize {
    let status = std::fs::read_to_string(Path::new("/proc").join(of.child.id().to_string()).join("status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1_024
}

/// A batch of 16 MiB of which the last never comes, and what it is answered if it is. With a length, or in chunks whose
/// number nobody knows.
async fn stalled(server: &Server, has_length: bool) -> (tokio::net::TcpStream, Option<Answer>) {
    let token = server.token.as_deref().unwrap();
    let framing = if has_length { "content-length: 16777216" } else { "transfer-encoding: chunked" };
    let head = format!(
        "POST /v1/events/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{framing}\r\n\r\n"
    );
    let mut stream = connected(server, "127.0.0.1", &head).await.unwrap();
    let part = "a".repeat(MIB);
    let part = if has_length { part } else { format!("{MIB:x}\r\n{part}\r\n") };
    for _ in 0..15 {
        if stream.write_all(part.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_secs(15), stream.read(&mut answer)).await;
    let answer = match read {
        Ok(Ok(read @ 1..)) => Some(Answer::read(&String::from_utf8_lossy(&answer[..read]))),
        _ => None,
    };
    (stream, answer)
}

#[tokio::test]
async fn bodies_share_a_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &["--max-request-memory", "67108864"]);
    let before = most_memory(&server);
    let token = server.token.clone().unwrap();
    let all = futures_util::future::join_all((0..40).map(|index| stalled(&server, index % 2 == 0))).await;
    let refused = all.iter().filter(|(_, answer)| answer.is_some()).count();
    for (_, answer) in &all {
        let Some(answer) = answer else { continue };
        assert_eq!(answer.refused(503), "request_memory_exhausted");
        assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
    }
    // Four of 15 MiB fit into 64; on a busy machine some of the others are let go before they have read their answer.
    assert!((20..40).contains(&refused), "{refused} of 40 were refused");
    let more = most_memory(&server) - before;
    assert!(more < 192 * MIB, "{} MiB are held where 64 may be", more / MIB);
    drop(all);
    // What the stalled ones held comes back with their end.
    for attempt in 0.. {
        let body = format!("{{\"type\":\"x\",\"payload\":\"{}\"}}", "a".repeat(MIB - 2));
        let answer = told(
            &server,
            &format!(
                "POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            ),
        );
        if answer.status == 202 && attempt > 2 {
            break;
        }
        assert!(attempt < 600, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
}

/// The time for a body is one for all of it: whoever sends a byte now and then gets no more of it.
#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_costs_its_connection() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let token = server.token.clone().unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n{{"
    );
    let (server, head) = (&server, &*head);
    let answered = async |is_dripping| {
        let mut stream = connected(server, "127.0.0.1", head).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let dripping = async {
            while is_dripping && writer.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            std::future::pending::<()>().await;
        };
        let mut answer = String::new();
        tokio::select! {
            // A reset is an end, too.
            _ = tokio::time::timeout(Duration::from_secs(60), reader.read_to_string(&mut answer)) => {}
            () = dripping => {}
        }
        Answer::read(&answer)
    };
    let begun = Instant::now();
    let (silent, dripping) = tokio::join!(answered(false), answered(true));
    for answer in [silent, dripping] {
        assert_eq!(answer.refused(408), "request_timeout");
        assert!(answer.head.contains("connection: close"), "{answer:?}");
    }
    assert!((29..50).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[test]
fn what_is_no_network_is_no_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(folder.path(), &["check-config", "--trusted-proxies", "10.0.0.0/33"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let told = format!("{}{}", said(&refused), complained(&refused));
    assert!(told.contains("trusted_proxies"), "{told}");
}
