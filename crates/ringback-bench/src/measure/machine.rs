//! The machine that numbers are from.

use std::{collections::BTreeMap, process::Command};

use serde::Serialize;

/// What a reader must know to compare.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: f64,
    pub(crate) kernel: String,
    pub(crate) postgres: Option<String>,
    pub(crate) sqlite: String,
    pub(crate) commit: String,
    pub(crate) build: &'static str,
}

impl Machine {
    /// Looks around; `postgres` is what the server says its version is.
    pub(crate) fn look(postgres: Option<String>) -> Self {
        let about: BTreeMap<String, String> = ["/proc/cpuinfo", "/proc/meminfo"]
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|line| {
                line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            })
            .collect();
        let kilobytes = about.get("MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        Self {
            cpu: about.get("model name").cloned().unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gb: (kilobytes.unwrap_or_default() / 1024.0 / 1024.0 * 10.0).round() / 10.0,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            postgres,
            sqlite: "bundled".to_owned(),
            commit: commit(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let postgres = self.postgres.as_deref().map_or_else(String::new, |version| format!(", PostgreSQL {version}"));
        format!(
            "{}, {} cores, {} GB, Linux {}{postgres}, commit {}, {} build",
            self.cpu, self.cores, self.memory_gb, self.kernel, self.commit, self.build
        )
    }
}

fn commit() -> String {
    let ask = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = ask(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let is_changed = ask(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    if is_changed { format!("{commit} with changes") } else { commit }
}
