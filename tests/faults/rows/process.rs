//! What befalls a node: it is killed, told to stop, or stands still.

use std::time::Duration;

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::{receiver::Reply, stores::Store, until::until};

use crate::{
    row::{AT_ONCE, Row, TAKEOVER},
    stage::{HANGING, IN_FLIGHT_ALL, Scene},
};

/// A lease short enough for a plain run.
const SHORT: &[(&str, &str)] = &[("lease", "3s")];
const AFTER_SHORT: Duration = Duration::from_secs(3 + 6);

const NOT_RECORDED: &str = "delivered and not recorded when the process was killed";
const LEASE_ENDS: &str = "the lease of the dead node ends";

pub(crate) fn rows() -> Vec<Row> {
    use Store::Postgres;
    let most = IN_FLIGHT_ALL * 2;
    let mut rows = Vec::new();
    rows.extend(
        Row::on_both("kill_9", kill_9)
            .map(|row| row.keys(SHORT).duplicates(most, NOT_RECORDED).latest(AFTER_SHORT, LEASE_ENDS)),
    );
    rows.push(
        Row::new("kill_9_one_of_two", Postgres, kill_9_one_of_two)
            .nodes(2)
            .slow()
            .duplicates(most, NOT_RECORDED)
            .latest(TAKEOVER, LEASE_ENDS),
    );
    rows.extend(Row::on_both("sigterm", sigterm));
    rows
}

fn kill_9(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.burst(40).await;
        scene.kill_only_node().await;
        scene.start_node().await;
    }
    .boxed_local()
}

fn kill_9_one_of_two(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.burst(40).await;
        scene.take_node(0).kill().await;
    }
    .boxed_local()
}

/// Told to stop while one receiver hangs: the process ends when that has answered, and the next takes over what is left.
fn sigterm(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.emit(HANGING).await;
        scene.hanging.wait_for(1).await;
        let node = scene.take_node(0);
        node.tell_to_stop();
        scene.gate.open();
        assert_eq!(node.ended().await.code(), Some(0), "it ends in peace");
        scene.start_node().await;
    }
    .boxed_local()
}
