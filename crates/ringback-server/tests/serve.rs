//! `ringback serve` as its callers and its supervisor see it, and the commands beside it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;
mod support;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use server::Server;
use support::{complained, ringback, run, said};

/// One request over a socket of our own; the status and the body.
fn ask(server: &Server, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let token = server.token.as_deref().unwrap_or("none");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A receiver that answers 200 to everything and hands out each request's text.
fn receiver() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (send, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let send = send.clone();
            std::thread::spawn(move || answer_all(stream, &send));
        }
    });
    (url, requests)
}

fn answer_all(mut stream: TcpStream, requests: &std::sync::mpsc::Sender<String>) {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        text.push_str(&String::from_utf8_lossy(&chunk[..count]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            let _ = requests.send(std::mem::take(&mut text));
        }
    }
}

#[test]
fn an_event_reaches_its_receiver_and_can_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let (url, requests) = receiver();
    let endpoint = format!(r#"{{"url":"{url}","event_types":["*"],"key":"crm"}}"#);
    assert_eq!(ask(&server, "POST", "/v1/endpoints", &endpoint).0, 201);

    std::fs::write(folder.path().join("call.json"), "{\"minutes\": 3.0}\n").unwrap();
    // Straight into the store, beside the running server.
    let emitted = run(folder.path(), &["emit", "CALL_ENDED", "call.json", "--key", "call-1"]);
    assert_eq!(emitted.status.code(), Some(0), "{}", complained(&emitted));
    let id = said(&emitted).trim().to_owned();
    let request = requests.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(request.ends_with("\r\n\r\n{\"minutes\": 3.0}") && request.contains(&id), "{request}");

    // Over HTTP.
    let token = server.token.clone().unwrap();
    let remote = ["find", "call-1", "--url", &server.url, "--token", &token];
    let found = eventually(|| said(&run(folder.path(), &remote)), |screen| screen.contains("delivered"));
    for part in [id.as_str(), "CALL_ENDED", "(crm)", "#1", "answered 200"] {
        assert!(found.contains(part), "{part} is missing from:\n{found}");
    }
    // Both ways print the API's own body.
    let json = [&remote[..], &["--json"]].concat();
    assert_eq!(said(&run(folder.path(), &json)), said(&run(folder.path(), &["find", "call-1", "--json"])));
}

/// Asks again until the answer is right; the last answer if it never is.
fn eventually(ask: impl Fn() -> String, right: impl Fn(&str) -> bool) -> String {
    for _ in 0..200 {
        let answer = ask();
        if right(&answer) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    ask()
}

#[test]
fn what_is_not_there_ends_with_3_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let token = server.token.clone().unwrap();
    let cases: [&[&str]; 4] = [
        &["find", "call-7", "--tenant", "acme"],
        &["dead-letters", "--since", "2h"],
        &["replay", "dlv_00000000000000000000000000000001"],
        &["replay", "--status", "dead"],
    ];
    for arguments in cases {
        for way in [&[][..], &["--url", &server.url, "--token", &token]] {
            let output = run(folder.path(), &[arguments, way].concat());
            assert_eq!(output.status.code(), Some(3), "{arguments:?} {way:?}: {}", complained(&output));
            assert!(!complained(&output).is_empty());
        }
    }
    let negative = complained(&run(folder.path(), cases[0]));
    assert!(negative.contains("call-7") && negative.contains("acme"), "{negative}");
}

#[test]
fn refusals_name_the_field_and_failures_name_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    std::fs::write(folder.path().join("call.json"), "{}").unwrap();
    let output = run(folder.path(), &["emit", "not a type", "call.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complained(&output).contains("TYPE"), "{}", complained(&output));
    let output = run(folder.path(), &["find", "x", "--url", &server.url, "--token", "a-token-that-is-wrong"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("401"), "{}", complained(&output));
    let output = run(folder.path(), &["find", "x", "--url", "http://127.0.0.1:1", "--token", "t"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("no answer from http://127.0.0.1:1"), "{}", complained(&output));
}

#[test]
fn secrets_are_made_once_and_kept_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(ringback(folder.path()), &[]);
    let token = first.token.clone().unwrap();
    first.signal("TERM");
    let (status, _) = first.end();
    assert_eq!(status, Some(0));
    for name in ["ringback.db.key", "ringback.db.token"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(Server::start(ringback(folder.path()), &[]).token, Some(token));
}

#[test]
fn a_token_of_the_operators_own_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = ringback(folder.path());
    command.env("RINGBACK_ADMIN_TOKEN", "the-operators-own-token");
    let mut server = Server::start(command, &[]);
    assert_eq!(server.token, None);
    server.token = Some("the-operators-own-token".to_owned());
    assert_eq!(ask(&server, "GET", "/v1/events", "").0, 200);
    server.signal("TERM");
    let (status, rest) = server.end();
    assert_eq!(status, Some(0));
    assert!(!rest.contains("the-operators-own-token"));
}

#[test]
fn an_interrupt_ends_in_order_and_a_second_one_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // A receiver that takes the request and never answers keeps the grace period going.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let url = format!("http://{}/hang", listener.local_addr().unwrap());
    let event = format!(r#"{{"type":"x","payload":1,"destination":{{"url":"{url}","timeout_ms":60000}}}}"#);
    assert_eq!(ask(&server, "POST", "/v1/events", &event).0, 202);
    let (_open, _) = listener.accept().unwrap();
    server.signal("INT");
    // The listener is closed when stopping has begun.
    let address = server.url.trim_start_matches("http://").to_owned();
    eventually(|| TcpStream::connect(&address).is_err().to_string(), |refused| refused == "true");
    let begun = std::time::Instant::now();
    server.signal("INT");
    let (status, _) = server.end();
    assert_eq!(status, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(25), "it waited for the grace to end");
}

#[test]
fn an_old_schema_is_refused_when_told_not_to_migrate() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["serve", "--no-migrate", "--bind", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("ringback.db").exists());
    assert_eq!(run(folder.path(), &["migrate"]).status.code(), Some(0));
    let server = Server::start(ringback(folder.path()), &["--no-migrate"]);
    assert_eq!(ask(&server, "GET", "/healthz", "").0, 200);
}

#[test]
fn a_slow_head_does_not_keep_a_connection() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost:").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
}
