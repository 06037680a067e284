//! Clocks that are wrong: the database's, and a node's.

use std::{path::Path, time::Duration};

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::stores::Store;

use crate::{
    row::{Row, TAKEOVER},
    stage::{IN_FLIGHT_ALL, Scene},
};

/// How long a clock is wrong.
const WRONG: Duration = Duration::from_secs(6);

/// Until both nodes know that the database's clock was set back, what they emit is refused: its ids would lie ahead.
const REFUSED_BY_CLOCK: usize = 12;

pub(crate) fn rows() -> Vec<Row> {
    use Store::Postgres;
    let node = |row: Row| row.with_faketime().slow();
    let mut rows = vec![
        Row::new("clock_of_database_back", Postgres, back)
            .nodes(2)
            .slow()
            .unanswered(REFUSED_BY_CLOCK)
            .duplicates(IN_FLIGHT_ALL * 2, "all leases have ended, and others take what is open")
            .latest(TAKEOVER, "leases are to be taken anew"),
        Row::new("clock_of_database_ahead", Postgres, ahead)
            .nodes(2)
            .slow()
            .duplicates(IN_FLIGHT_ALL * 2, "all leases have ended, and others take what is open")
            .latest(TAKEOVER, "leases are to be taken anew"),
    ];
    rows.extend(Row::on_both("clock_of_node_ahead", node_ahead).map(node));
    rows.extend(Row::on_both("clock_of_node_behind", node_behind).map(node));
    rows.extend(Row::on_both("clock_of_node_jumps", node_jumps).map(node));
    rows
}

/// Set back, and right again. What was due by the clock before waits until then.
fn back(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.burst(40).await;
        scene.database.set_clock("- interval '1 hour'").await;
        scene.pass(WRONG).await;
        scene.database.set_clock("").await;
        scene.ends();
        scene.pass(WRONG).await;
    }
    .boxed_local()
}

/// Set ahead, and right again once nothing is pending.
fn ahead(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.burst(40).await;
        scene.database.set_clock("+ interval '1 hour'").await;
        scene.pass(WRONG).await;
        drain(scene).await;
        scene.database.set_clock("").await;
        scene.ends();
        scene.stream.begin();
        scene.pass(WRONG).await;
    }
    .boxed_local()
}

/// Lets everything that is pending be delivered: what is due by a clock that is then set back waits until that clock has
/// come so far again.
async fn drain(scene: &mut Scene) {
    scene.pause().await;
    scene.nodes[0].api.settled().await;
}

fn node_ahead(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    restart_with_clock(scene, "+3600s").boxed_local()
}

fn node_behind(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    restart_with_clock(scene, "-3600s").boxed_local()
}

/// A node is followed by one whose wall clock is wrong.
async fn restart_with_clock(scene: &mut Scene, offset: &'static str) {
    scene.stream.burst(40).await;
    restart_with(scene, ("FAKETIME", offset.to_owned())).await;
    scene.pass(WRONG).await;
    scene.ask_readiness().await;
    scene.ends();
}

/// A node is followed by one whose wall clock is what this variable says; its monotonic clock runs as ever. Where the variable
/// names a file, it is looked into once a second: more often, and the node does little else.
async fn restart_with(scene: &mut Scene, clock: (&'static str, String)) {
    let library = std::env::var("RINGBACK_TEST_FAKETIME").expect("rows that need it are left out without it");
    drain(scene).await;
    scene.take_node(0).terminate().await;
    scene.variables = vec![
        ("LD_PRELOAD", library),
        clock,
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
    ];
    scene.start_node().await;
    scene.stream.begin();
}

/// How far a node's clock jumps each time, and what it shows in between.
const JUMPS: [&str; 3] = ["+2d", "-2d", "+100d"];
const RIGHT: &str = "+0";

/// The clock of a node jumps while events flow through it, there and back again.
fn node_jumps(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = folder.path().join("clock");
        set(&clock, RIGHT);
        restart_with(scene, ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string())).await;
        for jump in JUMPS {
            scene.stream.burst(40).await;
            set(&clock, jump);
            scene.pass(WRONG).await;
            scene.ask_readiness().await;
            if jump.starts_with('+') {
                // With SQLite the node's clock is the database's.
                drain(scene).await;
                set(&clock, RIGHT);
                scene.stream.begin();
            } else {
                set(&clock, RIGHT);
            }
            scene.pass(WRONG).await;
        }
        scene.ends();
    }
    .boxed_local()
}

/// Puts another time into the file at once: nobody reads half of it.
fn set(clock: &Path, offset: &str) {
    let new = clock.with_extension("new");
    std::fs::write(&new, offset).and_then(|()| std::fs::rename(&new, clock)).expect("the folder is writable");
}
