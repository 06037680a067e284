//! Runs the real binary in a folder of its own, with an environment in which only what a test sets is Ringback's.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

/// Longer than anything takes that ends.
pub(crate) const BOUND: Duration = Duration::from_secs(300);

/// The binary, to be run in `folder`.
pub(crate) fn ringback(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RINGBACK_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs it to its end. A `serve` that should have refused to start is ended here, instead of being waited for.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = ringback(folder);
    let child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(BOUND) else {
        let _ = Command::new("kill").args(["-s", "KILL", &id]).status();
        panic!("{arguments:?} does not end");
    };
    output.unwrap()
}

/// What it wrote to standard output.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it wrote to standard error.
pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
