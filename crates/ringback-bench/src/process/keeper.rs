//! The hidden command that keeps a private PostgreSQL: makes a cluster in a temporary folder, runs it, and when its own
//! standard input ends, which is when the benchmark does, stops it and removes the folder.
//!
//! A process of its own, so that a benchmark that is killed leaves no database behind.

use std::{
    io::Read as _,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::child::say;
use crate::failure::{Failure, Result, While as _};

/// How long the server may take to start.
const START: Duration = Duration::from_secs(60);

/// How long it may take to stop in order.
const STOP: Duration = Duration::from_secs(30);

/// Room, and nothing that changes what durable means: fsync and synchronous_commit stay on.
const SIZES: [&str; 6] = [
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "max_connections=300",
    "max_locks_per_transaction=256",
    "listen_addresses=127.0.0.1",
    "logging_collector=off",
];

/// A server that is up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) url: String,
}

/// Runs until standard input ends.
pub(crate) fn run() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("ringback-bench-").tempdir()?;
    let mut server = match start(folder.path()) {
        Ok((server, kept)) => {
            say(Ok(kept))?;
            server
        }
        Err(failure) => return say::<Kept>(Err(failure)),
    };
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    stop(&mut server);
    Ok(())
}

fn start(folder: &Path) -> Result<(Child, Kept)> {
    let programs = programs()?;
    let owner = owner()?;
    if let Some((user, group)) = owner {
        chown(folder, Some(user), Some(group))?;
    }
    let data = folder.join("data");
    let made = as_owner(&programs.join("initdb"), owner)
        .current_dir(folder)
        .arg("-D")
        .arg(&data)
        .args(["-U", "ringback", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"])
        .stdin(Stdio::null())
        .output()
        .during("initdb")?;
    if !made.status.success() {
        return Err(Failure::new(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr))));
    }
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let log = folder.join("log");
    let written = std::fs::File::create(&log)?;
    let mut command = as_owner(&programs.join("postgres"), owner);
    command.current_dir(folder).arg("-D").arg(&data).arg("-k").arg(folder).args(["-p", &port.to_string()]);
    for size in SIZES {
        command.args(["-c", size]);
    }
    let mut server =
        command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written).spawn().during("postgres")?;
    let since = Instant::now();
    loop {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        if said.contains("ready to accept connections") {
            let kept = Kept { url: format!("postgres://ringback@127.0.0.1:{port}/postgres") };
            return Ok((server, kept));
        }
        if server.try_wait()?.is_some() || since.elapsed() > START {
            stop(&mut server);
            return Err(Failure::new(format!("PostgreSQL did not start: {said}")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// In order; if it does not, at once.
fn stop(server: &mut Child) {
    for (signal, patience) in [(Signal::INT, STOP), (Signal::QUIT, STOP)] {
        if let Some(pid) = i32::try_from(server.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
        let since = Instant::now();
        while since.elapsed() < patience {
            if !matches!(server.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The newest PostgreSQL that is installed the way Debian does, else the one in PATH.
fn programs() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(std::result::Result::ok).collect::<Vec<_>>())
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(version, programs)| *version >= 15 && programs.join("initdb").exists())
        .collect();
    versions.sort();
    if let Some((_, programs)) = versions.pop() {
        return Ok(programs);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()).ok_or_else(|| {
        Failure::new(
            "PostgreSQL 15 or later is needed: install it, or name a server with --postgres, or say --store sqlite",
        )
    })
}

/// The server refuses to run as root: then it runs as the system's own user for it.
fn owner() -> Result<Option<(u32, u32)>> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").during("/etc/passwd")?;
    let find = |name: &str| {
        let fields: Vec<&str> = users.lines().find(|line| line.starts_with(&format!("{name}:")))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    let owner = find("postgres").or_else(|| find("nobody"));
    owner.map(Some).ok_or_else(|| Failure::new("PostgreSQL does not run as root, and there is no other user"))
}

fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}
