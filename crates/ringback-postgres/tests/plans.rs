//! The hot statements read by index, however large the backlog, and whatever the planner last knew of the tables.
//!
//! Plans are looked at, times never.

#![expect(clippy::unwrap_used, reason = "a test's own helpers fail with it")]

mod fresh;

use ringback::{delivery::SHARDS, store::Cursor};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _, postgres::PgArguments, query::Query};
use uuid::Uuid;

const BACKLOG: i64 = 200_000;

/// As the store has it on the connections of its pipeline.
const PIPELINE: &str =
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off";

type Statement = Query<'static, sqlx::Postgres, PgArguments>;

/// A schema with a backlog in 1,000 lanes, one of which owns a third of it, and a history; never analysed.
async fn backlog(connection: &mut PgConnection, schema: &str) {
    let statements = format!(
        "INSERT INTO {schema}.event (id, occurred_at, payload_bytes, tenant, type, key, payload)
         SELECT (lpad(to_hex(1700000000000 + n), 12, '0') || '7000' || lpad(to_hex(n), 12, '8') || '0000')::uuid,
                0, 2, 'default', 'CALL_ENDED', 'call-' || n, '{{}}'
         FROM generate_series(1, {BACKLOG}) n;
         INSERT INTO {schema}.delivery (id, lane, due_at, seq, config_version, shard, ordering_key)
         SELECT {schema}.last_of(id), lane, {schema}.clock() - n, n, 1, lane & 63, CASE n % 10 WHEN 0 THEN 'k' || n END
         FROM (SELECT id, row_number() OVER () AS n FROM {schema}.event) e
         CROSS JOIN LATERAL (SELECT CASE n % 3 WHEN 0 THEN 7 ELSE n % 1000 END AS lane) l;
         INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, attempts, status, marks)
         SELECT {schema}.event_of(id), lane, seq, 1, 1, 0, 2, 0 FROM {schema}.delivery;
         INSERT INTO {schema}.outbox (seq, event_id) SELECT seq, {schema}.event_of(id) FROM {schema}.delivery"
    );
    connection.execute(AssertSqlSafe(statements)).await.unwrap();
}

/// What statements of this store alone name.
const SETTLEMENTS: [(&str, &str, i16); 4] =
    [("settlement", "delivered", 1), ("settlement", "retry", 2), ("settlement", "keep", 3), ("settlement", "dead", 4)];

fn explain(file: &str, schema: &str) -> Statement {
    let parts = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/parts")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    });
    let parts: Vec<_> = parts.collect();
    let parts: Vec<_> = parts.iter().map(|(name, text)| (&**name, &**text)).collect();
    let file = ringback::store::codes::put_in(&without_comments(file), &parts, &SETTLEMENTS);
    let text = format!("EXPLAIN (ANALYZE, TIMING OFF) {}", file.replace("{schema}", schema));
    sqlx::query(AssertSqlSafe(text)).persistent(false)
}

fn without_comments(file: &str) -> String {
    file.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n")
}

/// The plan of a statement that is rolled back. No table may be read from end to end.
async fn plan(connection: &mut PgConnection, name: &str, statement: Statement) -> String {
    connection.execute("BEGIN").await.unwrap();
    let rows = statement.fetch_all(&mut *connection).await.unwrap();
    connection.execute("ROLLBACK").await.unwrap();
    let plan = rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n");
    // The partitions that hold the rows; reading an empty one from end to end is cheapest.
    for table in ["delivery", "kept_event", "kept_finished", "outbox"] {
        assert!(!plan.contains(&format!("Seq Scan on {table}")), "{name} reads all of {table}:\n{plan}");
    }
    assert!(!plan.contains("Sort Method: external"), "{name} sorts on disk:\n{plan}");
    plan
}

/// Statements of the pipeline, as on its connections: planned without their values, by index.
async fn look_at_plans_of_the_pipeline(connection: &mut PgConnection, schema: &str) {
    connection.execute(PIPELINE).await.unwrap();
    let shards: Vec<i16> = (0..SHARDS.cast_signed()).collect();
    let starts = vec![Cursor::START.due_at.micros(); shards.len()];
    let nils = vec![Uuid::nil(); shards.len()];
    let statement = explain(include_str!("../sql/work/feed_shards.sql"), schema)
        .bind(shards)
        .bind(starts.clone())
        .bind(nils.clone())
        .bind(64_i64);
    let feed = plan(connection, "feed", statement).await;
    assert!(feed.contains("delivery_due"), "{feed}");

    let lanes: Vec<i64> = (0..64).collect();
    let statement = explain(include_str!("../sql/work/feed_lanes.sql"), schema)
        .bind(lanes.clone())
        .bind(starts)
        .bind(nils)
        .bind(64_i64);
    let lanes_plan = plan(connection, "feed_lanes", statement).await;
    assert!(lanes_plan.contains("delivery_lane"), "{lanes_plan}");

    let statement = explain(include_str!("../sql/work/find_lanes.sql"), schema).bind(i64::MIN).bind(64_i64);
    let lanes_found = plan(connection, "lanes", statement).await;
    assert!(lanes_found.contains("delivery_lane"), "{lanes_found}");
    assert!(lanes_found.contains("(actual rows=1 loops=63)"), "one row of each lane is read:\n{lanes_found}");

    let keys: Vec<String> = (0..64).map(|key| format!("k{key}")).collect();
    let statement = explain(include_str!("../sql/work/find_heads.sql"), schema).bind(lanes).bind(keys);
    let heads = plan(connection, "heads", statement).await;
    assert!(heads.contains("delivery_order"), "{heads}");

    let row = "SELECT array_agg(id) FROM (SELECT id FROM {schema}.delivery LIMIT 512) d".replace("{schema}", schema);
    let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(row)).fetch_one(&mut *connection).await.unwrap();
    let events: Vec<Uuid> = ids.iter().map(|id| Uuid::from_u128(id.as_u128() & !0xffff)).collect();
    let statement = explain(include_str!("../sql/work/load_events.sql"), schema).bind(events.clone());
    plan(connection, "load", statement).await;
    let statement = explain(include_str!("../sql/outbox/find_expunged.sql"), schema).bind(events);
    plan(connection, "expunged", statement).await;
    plan(connection, "record", record(schema, &ids)).await;

    let statement = explain(include_str!("../sql/outbox/read_pointers.sql"), schema).bind(0_i64).bind(512_i64);
    plan(connection, "outbox", statement).await;
    let row = "SELECT array_agg(seq) FROM (SELECT seq FROM {schema}.outbox LIMIT 512) o".replace("{schema}", schema);
    let seqs: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(row)).fetch_one(&mut *connection).await.unwrap();
    let statement =
        explain(include_str!("../sql/outbox/remove_pointers.sql"), schema).bind(vec![1_i64; seqs.len()]).bind(seqs);
    plan(connection, "route", statement).await;
    connection.execute("RESET ALL; SET jit = off").await.unwrap();
}

async fn look_at_plans_of_questions(connection: &mut PgConnection, schema: &str) {
    let statement = explain(include_str!("../sql/events/find_events.sql"), schema)
        .bind(Uuid::nil())
        .bind(Uuid::max())
        .bind(50_i64)
        .bind("call-4711")
        .bind(None::<String>)
        .bind(None::<String>)
        .bind(10_000_i64);
    let find = plan(connection, "find", statement).await;
    assert!(find.contains("key"), "{find}");
    let row = "SELECT array_agg(id) FROM (SELECT id FROM {schema}.event LIMIT 512) e".replace("{schema}", schema);
    let events: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(row)).fetch_one(&mut *connection).await.unwrap();
    let firsts: Vec<Uuid> = events.iter().take(50).map(|id| Uuid::from_u128(id.as_u128() | 1)).collect();
    let statement = explain(include_str!("../sql/events/read_verdicts.sql"), schema).bind(events).bind(firsts);
    plan(connection, "judge", statement).await;

    // Of one shard everything is held, so that lanes are looked at.
    let held: Vec<i64> = (0..1_000).filter(|lane| lane & 63 == 7).collect();
    let statement = explain(include_str!("../sql/figures/read_oldest_due_outside.sql"), schema)
        .bind(held.clone())
        .bind(64_i64)
        .bind(5_000_i64)
        .bind(16_i64);
    let oldest = plan(connection, "oldest due outside", statement).await;
    for index in ["delivery_due", "delivery_lane"] {
        assert!(oldest.contains(index), "{oldest}");
    }
    assert!(!oldest.contains("Index Scan using delivery_lane on delivery d (never executed)"), "{oldest}");
    let statement = explain(include_str!("../sql/figures/count_pending_in.sql"), schema).bind(held).bind(1_000_i64);
    let count = plan(connection, "pending in lanes", statement).await;
    assert!(count.contains("delivery_lane"), "{count}");
}

/// A replay of as many as there are, and as many idempotency keys.
async fn replay_and_keys(connection: &mut PgConnection, schema: &str) {
    let statements = format!(
        "INSERT INTO {schema}.dead_letter
             (id, lane, died_at, seq, config_version, attempts, attempts_at_refill, reason, marks)
         SELECT (left(id::text, 32) || '0002')::uuid, lane, seq, seq, 1, 3, 0, 1, 0 FROM {schema}.delivery;
         INSERT INTO {schema}.replay (id, state, filter, matched, bytes, created_at)
         VALUES ('00000000-0000-7000-8000-000000000001', 1, '{{}}', {BACKLOG}, 0, 0);
         INSERT INTO {schema}.replay_item (replay_id, delivery_id)
         SELECT '00000000-0000-7000-8000-000000000001', id FROM {schema}.dead_letter;
         INSERT INTO {schema}.idempotency (tenant, type, key, event_id, created_at)
         SELECT 'default', 'CALL_ENDED', 'key-' || n, '00000000-0000-7000-8000-000000000000', 1
         FROM generate_series(1, {BACKLOG}) n"
    );
    connection.execute(AssertSqlSafe(statements)).await.unwrap();
}

async fn look_at_plans_of_replays_and_keys(connection: &mut PgConnection, schema: &str) {
    let replay = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);
    let row = "SELECT array_agg(id) FROM (SELECT id FROM {schema}.dead_letter LIMIT 500) d".replace("{schema}", schema);
    let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(row)).fetch_one(&mut *connection).await.unwrap();
    let events: Vec<Uuid> = ids.iter().map(|id| Uuid::from_u128(id.as_u128() & !0xffff)).collect();
    let next = explain(include_str!("../sql/replays/read_replay_items.sql"), schema).bind(replay).bind(500_i64);
    let classify =
        explain(include_str!("../sql/replays/classify_for_replay.sql"), schema).bind(ids.clone()).bind(events);
    let dead = explain(include_str!("../sql/replays/release_dead.sql"), schema).bind(ids.clone());
    let delivered = explain(include_str!("../sql/replays/release_delivered.sql"), schema).bind(ids.clone());
    let mark = explain(include_str!("../sql/replays/mark_released.sql"), schema).bind(replay).bind(ids);
    let keys: Vec<String> = (0..500).map(|key| format!("key-{key}")).collect();
    let find = explain(include_str!("../sql/intake/find_keys.sql"), schema)
        .bind(vec!["default"; 500])
        .bind(vec!["CALL_ENDED"; 500])
        .bind(keys)
        .bind(vec![None::<Vec<u8>>; 500]);
    let statements = [
        ("the next of a replay", next),
        ("classify", classify),
        ("release dead", dead),
        ("release delivered", delivered),
        ("mark released", mark),
        ("find keys", find),
    ];
    for (name, statement) in statements {
        let plan = plan(connection, name, statement).await;
        for table in ["dead_letter", "replay_item", "idempotency"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{name} reads all of {table}:\n{plan}");
        }
    }
}

/// Lists are for people: they may wait for the first ANALYZE.
async fn look_at_plans_of_lists(connection: &mut PgConnection, schema: &str) {
    let page = |file| explain(file, schema).bind(Uuid::nil()).bind(Uuid::max()).bind(5_000_i64).bind(51_i64);
    let all = page(include_str!("../sql/events/list_events.sql")).bind(None::<String>).bind(None::<String>);
    let rare = page(include_str!("../sql/events/list_events.sql")).bind("nobody").bind(None::<String>);
    let pending = page(include_str!("../sql/deliveries/list_pending.sql"));
    let finished = page(include_str!("../sql/deliveries/list_finished.sql"));
    let lists = [
        ("events", all),
        ("events of a tenant", rare),
        ("pending", of(pending, None, None).bind(None::<i64>)),
        ("finished", of(finished, None, None).bind(None::<i16>)),
        (
            "finished of a tenant",
            of(page(include_str!("../sql/deliveries/list_finished.sql")), Some("nobody"), None).bind(2_i16),
        ),
    ];
    for (name, statement) in lists {
        let list = plan(connection, name, statement).await;
        assert!(!list.contains("Sort Method"), "pages are read in order:\n{list}");
    }
    let of_endpoint =
        of(page(include_str!("../sql/deliveries/list_finished.sql")), None, Some(Uuid::max())).bind(None::<i16>);
    plan(connection, "finished of an endpoint", of_endpoint).await;
    let row = "SELECT array_agg(id) FROM (SELECT id FROM {schema}.event LIMIT 100) e".replace("{schema}", schema);
    let events: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(row)).fetch_one(&mut *connection).await.unwrap();
    let statement = explain(include_str!("../sql/deliveries/list_deliveries_of_events.sql"), schema)
        .bind(Uuid::nil())
        .bind(Uuid::max())
        .bind(51_i64)
        .bind(None::<i16>);
    plan(connection, "of events", of(statement, None, None).bind(None::<i16>).bind(events)).await;
}

/// What lists of deliveries ask of an event, and of the endpoint.
fn of(list: Statement, tenant: Option<&'static str>, endpoint: Option<Uuid>) -> Statement {
    list.bind(tenant)
        .bind(None::<String>)
        .bind(None::<String>)
        .bind(None::<String>)
        .bind(Vec::<Uuid>::new())
        .bind(endpoint)
}

/// All four settlements in one batch.
fn record(schema: &str, ids: &[Uuid]) -> Statement {
    let len = ids.len();
    explain(include_str!("../sql/work/record_outcomes.sql"), schema)
        .bind(ids.to_vec())
        .bind(vec![0_i32; len])
        .bind((0..len).map(|index| (index % 4) as i16 + 1).collect::<Vec<_>>())
        .bind(vec![0_i64; len])
        .bind(vec![Some(1_i16); len])
        .bind(vec![None::<String>; len])
        .bind(vec![false; len])
        .bind(vec![Some(1_i32); len])
        .bind(vec![Some(1_i64); len])
        .bind(vec![Some(2_i16); len])
        .bind(vec![Some(500_i32); len])
        .bind(vec![Some(1_i16); len])
        .bind(vec![None::<i16>; len])
        .bind(vec![false; len])
        .bind(vec![Some(1_i64); len])
        .bind(vec![Some(Vec::<u8>::new()); len])
        .bind(vec![Some(Vec::<u8>::new()); len])
        .bind(true)
}

#[tokio::test]
async fn a_backlog_is_read_by_index() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    connection.execute("SET jit = off").await.unwrap();
    backlog(&mut connection, &schema).await;
    look_at_plans_of_the_pipeline(&mut connection, &schema).await;
    look_at_plans_of_questions(&mut connection, &schema).await;
    for table in ["delivery", "event", "finished", "outbox"] {
        connection.execute(AssertSqlSafe(format!("ANALYZE {schema}.{table}"))).await.unwrap();
    }
    look_at_plans_of_the_pipeline(&mut connection, &schema).await;
    look_at_plans_of_questions(&mut connection, &schema).await;
    look_at_plans_of_lists(&mut connection, &schema).await;
    replay_and_keys(&mut connection, &schema).await;
    look_at_plans_of_replays_and_keys(&mut connection, &schema).await;
    for table in ["dead_letter", "replay", "replay_item", "idempotency"] {
        connection.execute(AssertSqlSafe(format!("ANALYZE {schema}.{table}"))).await.unwrap();
    }
    look_at_plans_of_replays_and_keys(&mut connection, &schema).await;
    fresh::remove(&store, &schema).await;
}
