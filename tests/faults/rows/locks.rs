//! What others hold in the database: rows, a partition, the right to write.

use std::time::Duration;

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::{stores::Store, until::until};

use crate::{
    row::Row,
    stage::{HANGING, Scene},
};

/// Longer than any statement of a node waits for a lock.
const HELD: Duration = Duration::from_secs(8);

/// More than a round of housekeeping.
const HELD_LONG: Duration = Duration::from_secs(13);

/// More questions than a node has connections for them.
const QUESTIONS: usize = 12;

pub(crate) fn rows() -> Vec<Row> {
    use Store::{Postgres, Sqlite};
    vec![
        Row::new("locked_key", Postgres, locked_key).goes_on_meanwhile(),
        Row::new("locked_new_key", Postgres, locked_new_key).goes_on_meanwhile(),
        Row::new("locked_events", Postgres, locked_events).goes_on_meanwhile(),
        Row::new("locked_delivery", Postgres, locked_delivery).goes_on_meanwhile(),
        Row::new("locked_configuration", Postgres, locked_configuration).goes_on_meanwhile(),
        Row::new("locked_partition", Postgres, locked_partition).goes_on_meanwhile().slow(),
        Row::new("slow_questions", Postgres, slow_questions).goes_on_meanwhile(),
        Row::new("locked_file", Sqlite, locked_file),
        Row::new("read_for_long", Sqlite, read_for_long).goes_on_meanwhile(),
    ]
}

/// Holds what the statements lock for so long.
async fn hold(scene: &Scene, statements: &str, time: Duration) {
    let mut connection = scene.database.postgres().await;
    sqlx::raw_sql("BEGIN").execute(&mut connection).await.expect("it begins");
    let statements = sqlx::AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(&mut connection).await.expect("nothing is in the way");
    scene.pass(time).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("it ends");
}

/// Holds the key of this number, while somebody asks for an event under it.
async fn hold_key(scene: &mut Scene, number: usize, statements: &str) {
    let asked = async {
        scene.pass(Duration::from_millis(200)).await;
        scene.stream.ask(number, "to.0").await
    };
    let ((), took) = tokio::join!(hold(scene, statements, HELD), asked);
    assert!(took > HELD / 2, "the key was held");
    scene.seen.push(format!("who asked under the key was answered after {:.1} s", took.as_secs_f64()));
}

/// The row of a key that is asked for again.
fn locked_key(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let oldest = "SELECT key FROM ringback.idempotency WHERE type = 'to.0' ORDER BY created_at LIMIT 1";
        let key: String = until("a key is taken", async || {
            sqlx::query_scalar(oldest).fetch_optional(&mut scene.database.postgres().await).await.expect("it answers")
        })
        .await;
        let lock = format!("SELECT FROM ringback.idempotency WHERE type = 'to.0' AND key = '{key}' FOR UPDATE");
        hold_key(scene, key.parse().expect("a number"), &lock).await;
    }
    .boxed_local()
}

/// A key that somebody else is just taking.
fn locked_new_key(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let number = scene.stream.number();
        let insert = format!(
            "INSERT INTO ringback.idempotency (tenant, type, key, event_id, created_at)
             SELECT tenant, 'to.0', '{number}', event_id, created_at FROM ringback.idempotency LIMIT 1"
        );
        hold_key(scene, number, &insert).await;
    }
    .boxed_local()
}

fn locked_events(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        hang(scene).await;
        hold(scene, "SELECT FROM ringback.event FOR UPDATE", HELD).await;
    }
    .boxed_local()
}

/// One whose outcome is to be recorded.
fn locked_delivery(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        hang(scene).await;
        let opened = async {
            scene.pass(Duration::from_millis(500)).await;
            scene.gate.open();
        };
        let lock = "SELECT FROM ringback.delivery d JOIN ringback.event e ON e.id = ringback.event_of(d.id)
                    WHERE e.type = 'hanging' FOR UPDATE OF d";
        tokio::join!(hold(scene, lock, HELD), opened);
    }
    .boxed_local()
}

async fn hang(scene: &Scene) {
    scene.stream.emit(HANGING).await;
    scene.hanging.wait_for(1).await;
}

fn locked_configuration(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let lock = "SELECT FROM ringback.config FOR UPDATE; SELECT FROM ringback.endpoint FOR UPDATE;
                    SELECT FROM ringback.endpoint_version FOR UPDATE; SELECT FROM ringback.setting FOR UPDATE";
        hold(scene, lock, HELD).await;
    }
    .boxed_local()
}

/// Somebody reads the tables of events for long while a partition of them is to be split: housekeeping has to wait, and
/// nobody behind it.
fn locked_partition(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.take_node(0).terminate().await;
        let mut connection = scene.database.postgres().await;
        sqlx::raw_sql(UNDO_SPLIT).execute(&mut connection).await.expect("the newest partition is empty");
        let before = partitions(scene).await;
        scene.start_node().await;
        let lock = "LOCK TABLE ringback.event, ringback.verdict, ringback.finished, ringback.attempt
                    IN ACCESS SHARE MODE";
        hold(scene, lock, HELD_LONG).await;
        assert_eq!(partitions(scene).await, before, "housekeeping waits");
        scene.ends();
        until("housekeeping has its turn", async || (partitions(scene).await > before).then_some(())).await;
    }
    .boxed_local()
}

/// As if no partition had been opened ahead of time: makes the one before the newest the newest again.
const UNDO_SPLIT: &str = r"
DO $$
DECLARE
    parent text; newest text; newest_from text; older text; older_from text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['event', 'verdict', 'finished', 'attempt'] LOOP
        CREATE TEMP TABLE part ON COMMIT DROP AS
            SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = format('ringback.%I', parent)::regclass;
        SELECT name, substring(bound FROM 'FROM \(''([0-9a-f-]+)''') INTO newest, newest_from
            FROM part WHERE bound LIKE '%(MAXVALUE)';
        SELECT name, substring(bound FROM 'FROM \(''([0-9a-f-]+)''') INTO older, older_from
            FROM part WHERE bound LIKE format('%%TO (''%s'')', newest_from);
        DROP TABLE part;
        IF older_from IS NOT NULL THEN
            EXECUTE format('DROP TABLE ringback.%I', newest);
            EXECUTE format('ALTER TABLE ringback.%I DETACH PARTITION ringback.%I', parent, older);
            EXECUTE format('ALTER TABLE ringback.%I ATTACH PARTITION ringback.%I FOR VALUES FROM (%L) TO (MAXVALUE)',
                           parent, older, older_from);
        END IF;
    END LOOP;
END
$$";

async fn partitions(scene: &Scene) -> i64 {
    let count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ringback.event'::regclass";
    sqlx::query_scalar(count).fetch_one(&mut scene.database.postgres().await).await.expect("it answers")
}

fn slow_questions(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let asked = async {
            scene.pass(Duration::from_millis(200)).await;
            let questions = (0..QUESTIONS).map(|_| scene.nodes[0].api.get("/v1/audit"));
            let _ = tokio::time::timeout(HELD, futures_util::future::join_all(questions)).await;
        };
        tokio::join!(hold(scene, "LOCK TABLE ringback.audit IN ACCESS EXCLUSIVE MODE", HELD), asked);
    }
    .boxed_local()
}

/// Another process writes for long.
fn locked_file(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let mut connection = scene.database.sqlite().await;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.expect("its turn comes");
        scene.pass(HELD).await;
        sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("it ends");
    }
    .boxed_local()
}

/// Another process reads for long: the log cannot be used again meanwhile, and grows.
fn read_for_long(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let mut connection = scene.database.sqlite().await;
        let read = "BEGIN; SELECT count(*) FROM ringback_event";
        sqlx::raw_sql(read).execute(&mut connection).await.expect("nobody is in the way");
        scene.pass(HELD).await;
        sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("it ends");
    }
    .boxed_local()
}
