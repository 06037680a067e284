//! Memory of processes, from `/proc`.

use crate::failure::{Failure, Result, While as _};

/// Most memory that a process has ever had resident, in bytes.
pub(crate) fn peak(pid: u32) -> Result<u64> {
    field(pid, "VmHWM:")
}

/// What it has resident now, in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    field(pid, "VmRSS:")
}

fn field(pid: u32, name: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).during(&path)?;
    let kilobytes =
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).ok_or_else(|| Failure::new(format!("{path} does not tell {name}")))
}
