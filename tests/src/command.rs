//! Every command but `serve`, run to its end.

use std::process::Stdio;

use tokio::process::Command;

use crate::{
    database::Database,
    server::{binary, settings_of, without_settings},
    until::BOUND,
};

/// What a command came to.
#[derive(Debug)]
pub struct Finished {
    /// 0 done, 1 failed, 2 usage or configuration, 3 nothing found.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Finished {
    /// Its standard output, if it did what it was asked.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Its standard output as JSON, if it did what it was asked.
    ///
    /// # Panics
    /// When it did not, or printed something else.
    #[must_use]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.done()).expect("--json prints JSON")
    }
}

/// Runs `ringback` with these arguments on this database.
pub async fn ringback(database: &Database, arguments: &[&str]) -> Finished {
    let mut command = Command::new(binary());
    command.current_dir(database.folder());
    run(without_settings(&mut command).envs(settings_of(database)).args(arguments)).await
}

/// Runs `ringback` with these arguments and nothing configured, in an empty folder.
pub async fn ringback_alone(arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(binary());
    run(without_settings(&mut command).current_dir(folder.path()).args(arguments)).await
}

async fn run(command: &mut Command) -> Finished {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(BOUND * 2, running).await.expect("it ends in time").expect("the binary starts");
    Finished {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
