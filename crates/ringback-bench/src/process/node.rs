//! A node: `ringback serve` as it is, in a process of this executable, with its default settings but for where its
//! database is and that receivers on this machine may be dialled.

use std::{
    ffi::OsString,
    io::Read as _,
    process::{ExitCode, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{ChildStdin, Command},
    time::{sleep, timeout},
};

use super::{
    child,
    connection::Connection,
    producer::{Events, Job, Pace},
};
use crate::{
    database::Database,
    failure::{Failure, Result, While as _},
};

/// The token of every node.
pub(crate) const TOKEN: &str = "a-token-of-the-benchmarks";

const MASTER_KEY: &str = "6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d";

/// How long a node may take to start or to stop, a migration included.
const PATIENCE: Duration = Duration::from_secs(60);

/// The hidden command: becomes `ringback` with `arguments`, and ends with whoever started it.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    ringback_server::run([OsString::from("ringback")].into_iter().chain(arguments))
}

/// A running node; killed when dropped.
pub(crate) struct Node {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    pub(crate) pid: u32,
    process: tokio::process::Child,
    /// Its end would end the node.
    _input: ChildStdin,
    log: Arc<Mutex<String>>,
}

impl Node {
    /// Starts one and waits until it listens.
    pub(crate) async fn start(database: &Database) -> Result<Self> {
        let mut command = command(database, &["serve"])?;
        let mut process = command.stderr(Stdio::piped()).spawn().during("starting a node")?;
        let (Some(input), Some(errors), Some(pid)) = (process.stdin.take(), process.stderr.take(), process.id()) else {
            return Err(Failure::new("a node did not start as it should"));
        };
        let log = Arc::<Mutex<String>>::default();
        let (kept, mut lines) = (Arc::clone(&log), BufReader::new(errors).lines());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = kept.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut node = Self { url: String::new(), pid, process, _input: input, log };
        node.url = node.listening().await?;
        Ok(node)
    }

    async fn listening(&mut self) -> Result<String> {
        let since = Instant::now();
        loop {
            let log = self.log();
            let url = log.lines().find_map(|line| line.strip_prefix("listening on "));
            if let Some(url) = url {
                return Ok(url.trim().to_owned());
            }
            if self.process.try_wait()?.is_some() || since.elapsed() > PATIENCE {
                return Err(Failure::new(format!("a node does not listen; it says: {log}")));
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// What it has written on standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection to its API.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(super::connection::authority(&self.url)).await
    }

    /// Registers an endpoint that takes every event of `tenant`; returns its id.
    pub(crate) async fn endpoint(&self, tenant: &str, url: &str, max_in_flight: u32) -> Result<String> {
        Self::endpoint_over(&mut self.connect().await?, tenant, url, max_in_flight).await
    }

    /// The same over a connection that is open, for many.
    pub(crate) async fn endpoint_over(
        connection: &mut Connection,
        tenant: &str,
        url: &str,
        max_in_flight: u32,
    ) -> Result<String> {
        let body = json!({"tenant": tenant, "url": url, "event_types": ["*"], "max_in_flight": max_in_flight});
        let made = connection.api(TOKEN, "POST", "/v1/endpoints", Some(&body)).await?;
        made["id"].as_str().map(str::to_owned).ok_or_else(|| Failure::new(format!("no endpoint's id in {made}")))
    }

    /// One event per request to it.
    pub(crate) fn job(&self, connections: usize, pace: Pace, events: Events) -> Job {
        Job::Http { url: self.url.clone(), token: TOKEN.to_owned(), connections, pace, events }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        match timeout(PATIENCE, self.process.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => Err(Failure::new(format!("a node ended with {status:?}; it says: {}", self.log()))),
            Err(_) => Err(Failure::new(format!("a node does not stop; it says: {}", self.log()))),
        }
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.process.kill().await.during("killing a node")
    }
}

/// Runs `ringback` with `arguments` to its end.
pub(crate) async fn once(database: &Database, arguments: &[&str]) -> Result<()> {
    run_to_its_end(command(database, arguments)?, arguments, 0).await
}

/// The same, asking a node; it ends with this status.
pub(crate) async fn asked(database: &Database, node: &Node, arguments: &[&str], status: i32) -> Result<()> {
    let mut command = command(database, arguments)?;
    command.env("RINGBACK_URL", &node.url).env("RINGBACK_TOKEN", TOKEN);
    run_to_its_end(command, arguments, status).await
}

async fn run_to_its_end(mut command: Command, arguments: &[&str], status: i32) -> Result<()> {
    let mut process = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    // Held until it has ended: the end of its input would end it.
    let _input = process.stdin.take();
    let output = timeout(PATIENCE, process.wait_with_output()).await.during(arguments[0])?.during(arguments[0])?;
    if output.status.code() == Some(status) {
        return Ok(());
    }
    Err(Failure::new(format!("ringback {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr))))
}

/// What the person who runs this has configured for a server of their own is kept away.
fn command(database: &Database, arguments: &[&str]) -> Result<Command> {
    let mut command = child::command("node")?;
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RINGBACK_")) {
        command.env_remove(name);
    }
    command
        .arg("--")
        .args(arguments)
        .current_dir(database.folder())
        .env("RINGBACK_DATABASE_URL", database.url())
        .env("RINGBACK_BIND", "127.0.0.1:0")
        .env("RINGBACK_ADMIN_TOKEN", TOKEN)
        .env("RINGBACK_MASTER_KEY", MASTER_KEY)
        .env("RINGBACK_EGRESS_ALLOW", "127.0.0.0/8")
        .env("RINGBACK_EGRESS_ALLOW_HTTP", "true")
        .stdin(Stdio::piped());
    Ok(command)
}
