//! Nobody has to read to the end: `ringback … | head -1` ends quietly, and a server outlives the reader of its log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Output, Stdio},
};

use support::{complained, ringback, run, said};

/// What a command comes to of which nobody reads the output, or the complaints; the other is read.
fn unread(folder: &Path, arguments: &[&str], output: bool) -> Output {
    let mut child = ringback(folder).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if output {
        drop(child.stdout.take());
    } else {
        drop(child.stderr.take());
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_command_that_nobody_reads_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("body"), "{}").unwrap();
    assert_eq!(run(folder.path(), &["migrate"]).status.code(), Some(0));
    let create = ["endpoints", "create", "www.example.com/h", "--event-types", "*"];
    let commands: [(&[&str], i32); 21] = [
        (&["--help"], 0),
        (&["--version"], 0),
        (&["serve", "--print-config"], 0),
        (&["migrate", "--print"], 0),
        (&["migrate"], 0),
        (&["check-config"], 0),
        (&["completions", "bash"], 0),
        (&["token", "create", "--scope", "read"], 0),
        (&["token", "list"], 0),
        // These say something on standard error as well: a warning, and that the secret is shown this once.
        (&create, 0),
        (&["endpoints", "list", "--limit", "1"], 0),
        (&["emit", "t", "body"], 0),
        (&["deliveries"], 0),
        (&["events"], 0),
        (&["tail", "--once"], 0),
        (&["top"], 0),
        (&["ledger"], 0),
        (&["audit"], 0),
        (&["find", "nothing"], 3),
        (&["find", ""], 2),
        (&["nonsense"], 2),
    ];
    for (arguments, status) in commands {
        for output in [false, true] {
            let output = unread(folder.path(), arguments, output);
            let told = said(&output) + &complained(&output);
            assert_eq!(output.status.code(), Some(status), "{arguments:?}: {told}");
            assert!(!told.contains("panicked"), "{arguments:?}: {told}");
        }
    }
}

#[test]
fn a_server_outlives_the_reader_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ringback(folder.path());
    server.args(["serve", "--bind", "127.0.0.1:0", "--log", "debug"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = server.spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("listening on ") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it does not listen");
    }
    drop(log);
    // It stops in order, which it would say.
    let told = std::process::Command::new("kill").args(["-s", "TERM", &server.id().to_string()]).status();
    assert!(told.unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}
