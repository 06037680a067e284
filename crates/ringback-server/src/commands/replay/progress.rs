//! Watches a replay that runs elsewhere, for as long as it moves.

use std::{io::IsTerminal as _, time::Duration};

use tokio::time::Instant;

use crate::{
    client::{Client, views::Replay},
    failure::Result,
    print,
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(250);

/// Without any change for so long, nobody seems to be working on it.
const STALLED: Duration = Duration::from_secs(15);

/// Shows how far the replay is until it has ended, or nothing happens any more.
pub(super) async fn follow(client: &Client, id: &str) -> Result<()> {
    let shows = std::io::stderr().is_terminal();
    let (mut remaining, mut moved) = (u64::MAX, Instant::now());
    loop {
        let replay: Replay = client.get(&format!("/v1/replays/{id}"), &[]).await?.accepted(false)?.read()?;
        if shows {
            print::again(format_args!("\r\u{1b}[K{}", bar(&replay)));
        }
        if replay.remaining != remaining {
            (remaining, moved) = (replay.remaining, Instant::now());
        }
        let stalled = moved.elapsed() > STALLED;
        if replay.state != "running" || stalled {
            if shows {
                print::note("");
            }
            conclude(id, &replay, stalled);
            return Ok(());
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// `[#####---------------] 120 of 480 released`
fn bar(replay: &Replay) -> String {
    const WIDTH: u64 = 20;
    let done = replay.matched - replay.remaining.min(replay.matched);
    let filled = done * WIDTH / replay.matched.max(1);
    let bar: String = (0..WIDTH).map(|place| if place < filled { '#' } else { '-' }).collect();
    format!("[{bar}] {done} of {} released", replay.matched)
}

fn conclude(id: &str, replay: &Replay, stalled: bool) {
    let Replay { state, released, skipped, delivered, dead, remaining, .. } = replay;
    if stalled && state == "running" {
        print::line(format!(
            "{id} waits: {remaining} remain and no node has released any for {} s; it goes on when `ringback serve` runs",
            STALLED.as_secs()
        ));
    } else {
        print::line(format!(
            "{id} {state}: {released} released, {skipped} skipped; so far {delivered} delivered, {dead} dead again"
        ));
    }
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
        };
        assert_eq!(bar(&replay(480, 360)), "[#####---------------] 120 of 480 released");
        assert_eq!(bar(&replay(0, 0)), "[--------------------] 0 of 0 released");
    }
}
