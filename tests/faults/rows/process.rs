//! What befalls a node: it is killed, told to stop, or stands still.

use std::time::Duration;

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::{receiver::Reply, stores::Store, until::until};
use tokio::time::Instant;

use crate::{
    row::{AT_ONCE, Row, TAKEOVER},
    stage::{HANGING, IN_FLIGHT_ALL, Scene},
};

/// A lease short enough for a plain run.
const SHORT: &[(&str, &str)] = &[("lease", "3s")];
const AFTER_SHORT: Duration = Duration::from_secs(3).saturating_add(AT_ONCE);

/// What a process that is told to stop may wait for its receivers.
const LITTLE_GRACE: &[(&str, &str)] = &[("shutdown_grace", "2s")];

/// Longer than the short lease, and than the default one.
const BEYOND_SHORT: Duration = Duration::from_secs(5);
const BEYOND_DEFAULT: Duration = Duration::from_secs(15);

/// After a frozen node goes on: it registers anew, gets its part of the shards back, and would be found silent there.
const HAS_COME_BACK: Duration = Duration::from_secs(8);
const HAS_COME_BACK_SHORT: Duration = Duration::from_secs(2);

const NOT_RECORDED: &str = "delivered and not recorded when the process was killed";
const OPEN_WHEN_FROZEN: &str = "open when the process was frozen, or answered and not recorded";
const LEASE_ENDS: &str = "the lease of the dead node ends first";

pub(crate) fn rows() -> Vec<Row> {
    use Store::Postgres;
    let most = IN_FLIGHT_ALL * 2;
    let killed = |row: Row| row.keys(SHORT).duplicates(most, NOT_RECORDED).latest(AFTER_SHORT, LEASE_ENDS);
    let frozen = |row: Row| row.duplicates(most, OPEN_WHEN_FROZEN);
    let pending = |row: Row| frozen(row).slow().latest(Duration::from_secs(12), "200 events wait for slow receivers");
    let mut rows = Vec::new();
    rows.extend(Row::on_both("kill_9", kill_9).map(killed));
    rows.push(
        Row::new("kill_9_one_of_two", Postgres, kill_9_one_of_two)
            .nodes(2)
            .slow()
            .duplicates(most, NOT_RECORDED)
            .latest(TAKEOVER, LEASE_ENDS),
    );
    rows.extend(Row::on_both("sigterm", sigterm));
    rows.extend(Row::on_both("sigterm_twice", sigterm_twice).map(|row| {
        row.keys(SHORT)
            .duplicates(1 + most, "open when the process was told to end at once")
            .latest(AFTER_SHORT, LEASE_ENDS)
    }));
    rows.extend(
        Row::on_both("sigterm_past_the_grace", sigterm_past_the_grace)
            .map(|row| row.keys(LITTLE_GRACE).slow().duplicates(1, "cut off when the grace was over")),
    );
    rows.push(Row::new("sigterm_one_of_two", Postgres, sigterm_one_of_two).nodes(2).goes_on_meanwhile());
    rows.extend(Row::on_both("sigstop", sigstop).map(frozen).map(|row| row.keys(SHORT)));
    rows.extend(Row::on_both("sigstop_with_200_pending", sigstop_pending).map(pending));
    // What was answered while nobody was there to read it must not look like an outage.
    let brief = Row::on_both("sigstop_beyond_the_time_out", sigstop_pending).map(|row| row.timeout_ms(3_000));
    rows.extend(brief.map(pending));
    rows.extend([
        frozen(Row::new("sigstop_one_of_two", Postgres, sigstop_for_long)).nodes(2).slow(),
        pending(Row::new("sigstop_one_of_two_with_200_pending", Postgres, sigstop_pending)).nodes(2),
        frozen(Row::new("sigstop_in_a_transaction", Postgres, sigstop_in_a_transaction)).nodes(2).slow(),
    ]);
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

/// Told to stop while one receiver hangs: the process ends when that has answered, and the next goes on.
fn sigterm(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        hang(scene).await;
        let node = scene.take_node(0);
        node.tell_to_stop();
        scene.pass(Duration::from_millis(500)).await;
        scene.gate.open();
        assert_eq!(node.ended().await.code(), Some(0), "it ends in peace");
        scene.start_node().await;
    }
    .boxed_local()
}

/// Told twice, it ends at once, whatever hangs.
fn sigterm_twice(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        hang(scene).await;
        let node = scene.take_node(0);
        node.tell_to_stop();
        scene.pass(Duration::from_millis(500)).await;
        let told = Instant::now();
        let status = node.terminate().await;
        scene.seen.push(format!("ended {:.1} s after the second SIGTERM with {status}", told.elapsed().as_secs_f64()));
        assert!(told.elapsed() < AT_ONCE, "at once, and not after the grace");
        scene.start_node().await;
    }
    .boxed_local()
}

/// Told once, while a receiver hangs for longer than the process waits.
fn sigterm_past_the_grace(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        hang(scene).await;
        let node = scene.take_node(0);
        node.tell_to_stop();
        let status = node.ended().await;
        scene.seen.push(format!("ended with {status}"));
        scene.start_node().await;
    }
    .boxed_local()
}

/// The other node goes on with everything while the last request of this one hangs.
fn sigterm_one_of_two(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        hang(scene).await;
        let node = scene.take_node(0);
        node.tell_to_stop();
        scene.pass(Duration::from_secs(3)).await;
        scene.gate.open();
        assert_eq!(node.ended().await.code(), Some(0), "it ends in peace");
    }
    .boxed_local()
}

async fn hang(scene: &Scene) {
    scene.stream.emit(HANGING).await;
    scene.hanging.wait_for(1).await;
}

fn sigstop(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    stand_still(scene, BEYOND_SHORT, HAS_COME_BACK_SHORT).boxed_local()
}

fn sigstop_for_long(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    stand_still(scene, BEYOND_DEFAULT, HAS_COME_BACK).boxed_local()
}

fn sigstop_pending(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        leave_pending(scene).await;
        stand_still(scene, BEYOND_DEFAULT, HAS_COME_BACK).await;
    }
    .boxed_local()
}

/// Receivers are slow from now on, and 200 events wait for them.
async fn leave_pending(scene: &Scene) {
    scene.healthy.answer(|_| Reply::status(204).after(Duration::from_millis(300)));
    scene.stream.burst(200).await;
}

async fn stand_still(scene: &mut Scene, time: Duration, afterwards: Duration) {
    scene.nodes[0].freeze();
    scene.pass(time).await;
    scene.nodes[0].thaw();
    scene.ends();
    scene.pass(afterwards).await;
}

/// The node stands still while a transaction of its own is open in the database, and holds idempotency keys.
fn sigstop_in_a_transaction(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        // Without its key's row the node's transaction waits; when it gets the row, nobody is there to end it.
        let mut connection = scene.database.postgres().await;
        let insert = "BEGIN; INSERT INTO ringback.idempotency (tenant, type, key, event_id, created_at)
                      SELECT tenant, 'to.0', 'held', event_id, created_at FROM ringback.idempotency LIMIT 1";
        sqlx::raw_sql(insert).execute(&mut connection).await.expect("a key is taken");
        let first = scene.nodes[0].api.clone();
        let asking = tokio::spawn(async move {
            let request = serde_json::json!({"type": "to.0", "payload": 0, "idempotency_key": "held"});
            first.ask(reqwest::Method::POST, "/v1/events", Some(request.to_string().into())).await
        });
        until("the node's transaction waits for the row", async || waits_for_a_lock(scene).await.then_some(())).await;
        scene.nodes[0].freeze();
        sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("the key is free");
        asking.abort();
        stand_still(scene, BEYOND_DEFAULT, HAS_COME_BACK).await;
    }
    .boxed_local()
}

async fn waits_for_a_lock(scene: &Scene) -> bool {
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND query LIKE '%idempotency%')";
    sqlx::query_scalar(waits).fetch_one(&mut scene.database.postgres().await).await.expect("it answers")
}
