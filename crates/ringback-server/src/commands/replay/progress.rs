//! Watches a replay that another process runs, as long as it makes progress.

use std::{io::IsTerminal as _, time::Duration};

use tokio::time::Instant;

use crate::{
    client::{Client, segment, views::Replay},
    failure::{Failure, Result},
    print,
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(250);

/// The remaining time is estimated only after watching for this long.
const PACE: Duration = Duration::from_secs(2);

/// Without any change for this long, it seems that no process works on it.
const STALLED: Duration = Duration::from_secs(15);

/// Shows the replay's progress until it has ended, or makes no progress any more.
pub(super) async fn follow(client: &Client, id: &str) -> Result<()> {
    let shows = std::io::stderr().is_terminal();
    let (mut first, mut remaining, mut moved) = (None, u64::MAX, Instant::now());
    loop {
        let path = format!("/v1/replays/{}", segment(id));
        let replay: Replay = client.get(&path, &[]).await?.accepted(false)?.read()?;
        let (begun, remaining_then) = *first.get_or_insert((Instant::now(), replay.remaining));
        if shows {
            let released = remaining_then.saturating_sub(replay.remaining);
            print::again(format_args!("\r\u{1b}[K{}{}", bar(&replay), left(&replay, released, begun.elapsed())));
        }
        if replay.remaining != remaining {
            (remaining, moved) = (replay.remaining, Instant::now());
        }
        let stalled = moved.elapsed() > patience(replay.rate_per_second);
        let ended = replay.state != "running";
        if shows && (ended || stalled) {
            print::note("");
        }
        if ended {
            conclude(id, &replay);
            return Ok(());
        }
        if stalled {
            return Err(Failure::failed(format_args!(
                "{id} does not move: {remaining} of {} deliveries remain. A node that runs `ringback serve` goes on with \
                 it, and its log says if it fails",
                replay.matched
            )));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// How long there may be no progress: [`STALLED`], or at a slow rate the time of a few releases.
fn patience(rate_per_second: Option<f64>) -> Duration {
    const STEPS: f64 = 3.0;
    let steps = rate_per_second.map(|rate| Duration::try_from_secs_f64(STEPS / rate).unwrap_or(Duration::MAX));
    steps.map_or(STALLED, |steps| steps.max(STALLED))
}

/// `[#####---------------] 120 of 480 released`
fn bar(replay: &Replay) -> String {
    const WIDTH: u64 = 20;
    let done = replay.matched - replay.remaining.min(replay.matched);
    let filled = done * WIDTH / replay.matched.max(1);
    let bar: String = (0..WIDTH).map(|place| if place < filled { '#' } else { '-' }).collect();
    format!("[{bar}] {done} of {} released", replay.matched)
}

/// `, 12 min left`, estimated from the rate since watching began; empty before [`PACE`] has passed.
fn left(replay: &Replay, released: u64, elapsed: Duration) -> String {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    match released {
        0 => String::new(),
        _ if elapsed < PACE || replay.remaining == 0 => String::new(),
        released => {
            format!(", {} left", ringback::time::span(replay.remaining.saturating_mul(millis) / released / 1_000))
        }
    }
}

/// Prints how the replay ended.
pub(super) fn conclude(id: &str, replay: &Replay) {
    let Replay { state, released, skipped, delivered, dead, .. } = replay;
    print::line(format!(
        "{id} {state}: {released} released, {skipped} skipped; so far {delivered} delivered, {dead} dead again"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_with_what_is_done() {
        let replay = |matched, remaining| Replay {
            id: None,
            state: "running".to_owned(),
            matched,
            released: 0,
            skipped: 0,
            remaining,
            delivered: 0,
            dead: 0,
            bytes: 0,
            rate_per_second: None,
            filter: serde_json::Map::new(),
            note: None,
            created_at: None,
        };
        assert_eq!(bar(&replay(480, 360)), "[#####---------------] 120 of 480 released");
        assert_eq!(bar(&replay(0, 0)), "[--------------------] 0 of 0 released");
        assert_eq!(left(&replay(480, 360), 120, Duration::from_secs(60)), ", 3 min left");
        assert_eq!(left(&replay(480, 360), 120, Duration::from_secs(1)), "", "too early to tell");
        assert_eq!(left(&replay(480, 480), 0, Duration::from_secs(60)), "");
    }
}
