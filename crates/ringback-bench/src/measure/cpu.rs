//! CPU time of processes, from `/proc`: user and system, to 10 ms.

use std::{collections::HashMap, time::Duration};

use crate::failure::{Failure, Result, While as _};

struct Stat {
    parent: u32,
    own: u64,
    /// Of children that have ended and were waited for.
    ended: u64,
}

/// What a process has used so far.
pub(crate) fn of_process(pid: u32) -> Result<Duration> {
    Ok(ticks(stat(pid)?.own))
}

/// What a process and everything below it have used so far, ended ones included.
pub(crate) fn of_tree(root: u32) -> Result<Duration> {
    let mut stats = HashMap::new();
    for entry in std::fs::read_dir("/proc").during("reading /proc")? {
        let name = entry?.file_name();
        // A process that ended meanwhile is in its parent's account.
        if let Some((pid, stat)) =
            name.to_str().and_then(|name| name.parse().ok()).and_then(|pid| Some((pid, stat(pid).ok()?)))
        {
            stats.insert(pid, stat);
        }
    }
    let mut total = 0;
    for (pid, stat) in &stats {
        if is_below(*pid, root, &stats) {
            total += stat.own + stat.ended;
        }
    }
    Ok(ticks(total))
}

/// The parent of a process.
pub(crate) fn parent_of(pid: u32) -> Result<u32> {
    Ok(stat(pid)?.parent)
}

fn is_below(pid: u32, root: u32, stats: &HashMap<u32, Stat>) -> bool {
    let mut at = pid;
    while at != root {
        match stats.get(&at) {
            Some(stat) if stat.parent != 0 => at = stat.parent,
            _ => return false,
        }
    }
    true
}

fn stat(pid: u32) -> Result<Stat> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).during(&path)?;
    parse(&text).ok_or_else(|| Failure::new(format!("{path} is not understood: {text}")))
}

/// The name of the program comes second, in brackets, and may hold anything; fields are counted behind it.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat { parent: u32::try_from(field(1)?).ok()?, own: field(11)? + field(12)?, ended: field(13)? + field(14)? })
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs_f64(count as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_field() {
        let text = "12 (a) b (c) S 7 12 12 0 -1 0 1 2 3 4 100 20 30 4 20 0 8 0 99";
        let stat = parse(text).unwrap();
        assert_eq!((stat.parent, stat.own, stat.ended), (7, 120, 34));
    }

    #[test]
    fn this_process_is_below_itself() {
        let pid = std::process::id();
        assert!(of_tree(pid).unwrap() >= of_process(pid).unwrap());
    }
}
