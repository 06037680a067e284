//! Clocks that are wrong: the database's, and a node's.

use std::time::Duration;

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::{
    cluster::Stop,
    faketime::{self, Clock},
    stores::Store,
};

use crate::{
    row::{Place, Row, TAKEOVER},
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
    rows.push(
        node(Row::new("clock_of_database_server_jumps", Postgres, server_jumps))
            .nodes(2)
            .at(Place::Own)
            .duplicates(
                IN_FLIGHT_ALL * 2 * JUMPS_OF_SERVER.len(),
                "all leases have ended, and others take what is open",
            )
            .latest(TAKEOVER, "leases are to be taken anew"),
    );
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

/// Longer than until the server looks at the time that its clock is to show.
const SEEN: Duration = Duration::from_millis(1_500);

/// How far the clock of the database's machine jumps each time.
const JUMPS_OF_SERVER: [&str; 2] = ["-3600s", "+3600s"];

/// As on a machine whose clock is set: everything in the database's server goes by it, its time-outs included.
fn server_jumps(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let clock = scene.cluster().fake_its_clock();
        scene.cluster().stop(Stop::Fast);
        scene.cluster().go_on().await;
        for jump in JUMPS_OF_SERVER {
            scene.stream.burst(40).await;
            clock.set(jump);
            scene.pass(WRONG).await;
            let shown = shown(scene).await;
            assert!(shown > 3_500, "the server's clock is {shown} s off");
            if jump.starts_with('+') {
                drain(scene).await;
            }
            clock.set(RIGHT);
            scene.pass(SEEN).await;
            if jump.starts_with('+') {
                scene.stream.begin();
            }
            scene.pass(WRONG).await;
        }
        scene.ends();
        scene.pass(WRONG).await;
    }
    .boxed_local()
}

/// How far the clock of the database's server is off, in seconds.
async fn shown(scene: &mut Scene) -> u64 {
    let clock = "SELECT extract(epoch FROM clock_timestamp())::bigint";
    let shown: i64 =
        sqlx::query_scalar(clock).fetch_one(&mut scene.cluster().connection().await).await.expect("it answers");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    now.abs_diff(shown.unsigned_abs())
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
    restart_with(scene, faketime::variables(("FAKETIME", offset.to_owned()))).await;
    scene.pass(WRONG).await;
    scene.ask_readiness().await;
    scene.ends();
}

/// A node is followed by one with these variables.
async fn restart_with(scene: &mut Scene, variables: Vec<(&'static str, String)>) {
    drain(scene).await;
    scene.take_node(0).terminate().await;
    scene.variables = variables;
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
        let clock = Clock::below(folder.path());
        restart_with(scene, clock.variables()).await;
        for jump in JUMPS {
            scene.stream.burst(40).await;
            clock.set(jump);
            scene.pass(WRONG).await;
            scene.ask_readiness().await;
            if jump.starts_with('+') {
                // With SQLite the node's clock is the database's.
                drain(scene).await;
                clock.set(RIGHT);
                scene.stream.begin();
            } else {
                clock.set(RIGHT);
            }
            scene.pass(WRONG).await;
        }
        scene.ends();
    }
    .boxed_local()
}
