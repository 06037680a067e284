//! `ringback verify` and `ringback listen`, as a customer's developer uses them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
};

use support::{complained, ringback, run, said};

const BODY: &str = r#"{"event":"CALL_ENDED","timestamp":"2025-01-15T10:30:00Z","data":{"session_id":"call_uuid"}}"#;
const SIGNATURE: &str = "e8dccfcc9a98446ef2ca1e0fd4175c3cec8842f0bc973528761166c467bc3dfb";
const SECRET: &str = "whsec_your_secret_key";

#[test]
fn a_kept_request_is_checked_and_what_differs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("body", BODY);
    write("newline", &format!("{BODY}\n"));
    write("headers", &format!("POST /hook HTTP/1.1\r\nHost: x\r\nX-Levrage-Signature: {SIGNATURE}\r\n\r\n"));
    write("headers.json", &format!(r#"{{"x-levrage-signature":"{SIGNATURE}"}}"#));
    let header = format!("X-Levrage-Signature: {SIGNATURE}");
    let levrage = |rest: &[&str]| run(folder.path(), &[&["verify", "--scheme", "levrage"], rest].concat());
    for way in [["--header", &header], ["--headers", "headers"], ["--headers", "headers.json"]] {
        let output = levrage(&[&["--secret", SECRET, "--body", "body"], &way[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
        assert!(said(&output).contains("it verifies"), "{}", said(&output));
    }
    let output = levrage(&["--secret", SECRET, "--body", "newline", "--headers", "headers"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("body: ") && said(&output).contains("newline"), "{}", said(&output));
    let output = levrage(&["--secret", "old", "--secret", SECRET, "--body", "body", "--headers", "headers", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["verifies"], &report["findings"][0]["ingredient"]), (&false.into(), &"secret".into()));
    let custom = r#"{"key_format":"utf8","message":"{body}","digest":"sha256","encoding":"hex","headers":{"X-Levrage-Signature":"{signature}"}}"#;
    let arguments = ["verify", "--scheme", custom, "--secret", SECRET, "--body", "body", "--headers", "headers"];
    assert_eq!(run(folder.path(), &arguments).status.code(), Some(0));
    let absent = levrage(&["--secret", SECRET, "--body", "absent", "--headers", "headers"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(complained(&absent).contains("absent"));
}

/// A receiver that ends by itself, and its address.
fn listen(folder: &std::path::Path, flags: &[&str]) -> (Child, String) {
    let mut command = ringback(folder);
    command.args(["listen", "--port", "0"]).args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (child, address)
}

/// One request over a socket of our own; the answer's status line and body.
fn post(address: &str, signature: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /hook?x=1 HTTP/1.1\r\nhost: x\r\nx-levrage-signature: {signature}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_listener_checks_answers_and_shows() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--scheme", "levrage", "--secret", SECRET, "--status", "204", "--fail-first", "1", "--requests", "3"];
    let (child, address) = listen(folder.path(), &flags);
    assert!(post(&address, SIGNATURE, BODY).starts_with("HTTP/1.1 503"));
    assert!(post(&address, SIGNATURE, BODY).starts_with("HTTP/1.1 204"));
    let refused = post(&address, SIGNATURE, &format!("{BODY}\r\n"));
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("body: "), "{refused}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "one did not verify");
    let shown = said(&output);
    for part in
        ["POST /hook?x=1", "x-levrage-signature", BODY, "the signature verifies", "it does not verify", "answered 204"]
    {
        assert!(shown.contains(part), "{part} is missing from:\n{shown}");
    }
}

#[test]
fn a_listener_without_a_scheme_only_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (child, address) = listen(folder.path(), &["--requests", "1", "--json"]);
    assert!(post(&address, "x", "{\"minutes\": 3.0}").starts_with("HTTP/1.1 200"));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["body"], &line["answered"]), (&"{\"minutes\": 3.0}".into(), &200.into()));
    assert_eq!(line["headers"]["x-levrage-signature"], "x");
}

#[test]
fn a_listener_ends_in_order_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let (child, address) = listen(folder.path(), &[]);
    assert!(post(&address, "x", "hello").starts_with("HTTP/1.1 200"));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(said(&output).contains("hello"));
}
