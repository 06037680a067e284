//! A running `ringback serve`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// The longest that a process may take to say something: generous, for loaded machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// `ringback serve` on a free port, stopped when dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    lines: mpsc::Receiver<String>,
    /// `http://127.0.0.1:…`
    pub(crate) url: String,
    /// The token that it made, if it made one.
    pub(crate) token: Option<String>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) fn start(mut command: Command, flags: &[&str]) -> Self {
        let mut child = command
            .args(["serve", "--bind", "127.0.0.1:0"])
            .args(["--egress-allow", "127.0.0.0/8", "--egress-allow-http"])
            .args(flags)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut server = Self { child, lines, url: String::new(), token: None };
        let mut before = String::new();
        while server.url.is_empty() {
            let Ok(line) = server.lines.recv_timeout(PATIENCE) else { panic!("it does not listen: {before}") };
            if let Some(token) = line.strip_prefix("admin token: ") {
                server.token = Some(token.to_owned());
            } else if let Some(url) = line.strip_prefix("listening on ") {
                server.url = url.to_owned();
            }
            before = before + &line + "\n";
        }
        server
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end and gives its status and what else it wrote.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        let rest: Vec<String> = self.lines.iter().collect();
        (status.code(), rest.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
