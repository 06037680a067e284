//! How the commands of a walk are run, and a receiver for what they send.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    SECRET,
    support::{complained, ringback, said},
};

/// How commands are run: where, with which environment and which flags at the end.
pub(crate) struct Way<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) environment: &'a [(&'a str, String)],
    pub(crate) flags: Vec<String>,
}

impl Way<'_> {
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        let mut command = in_environment(self.folder, self.environment);
        command.args(arguments).args(&self.flags).output().unwrap()
    }

    /// What a command says that ends with 0.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}{}", said(&output), complained(&output));
        assert!(!said(&output).contains('\u{1b}'), "colours are for terminals");
        said(&output)
    }

    /// The API's answer of a command that ends with 0.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What a command complains about that ends with this status.
    pub(crate) fn refused(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}{}", said(&output), complained(&output));
        complained(&output)
    }

    /// Asks for a delivery until it is settled.
    pub(crate) fn settled(&self, delivery: &str) -> Value {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.json(&["deliveries", delivery]);
            if answer["status"] != "pending" {
                return answer;
            }
            assert!(Instant::now() < patience, "it is never settled: {answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The only delivery of an event, once it is settled.
    pub(crate) fn settled_of(&self, event: &str) -> Value {
        let deliveries = self.json(&["deliveries", "--event-id", event]);
        self.settled(text(&deliveries["items"][0]["id"]))
    }
}

pub(crate) fn in_environment(folder: &Path, environment: &[(&str, String)]) -> Command {
    let mut command = ringback(folder);
    command.env("RINGBACK_EGRESS_ALLOW", "127.0.0.0/8").env("RINGBACK_EGRESS_ALLOW_HTTP", "true");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// `ringback listen` until dropped.
pub(crate) struct Listener {
    child: Child,
    pub(crate) url: String,
}

impl Listener {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut command = ringback(folder);
        command.args(["listen", "--port", "0", "--scheme", "levrage", "--secret", SECRET]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
