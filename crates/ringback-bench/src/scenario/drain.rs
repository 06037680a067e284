//! A backlog goes out: events emitted by one SQL statement while nothing runs, then timed from the start of the node
//! to the last recorded outcome. Routing is part of it.

use crate::{
    bench::{Bench, CONNECTIONS},
    database::{Session, Store, To},
    failure::Result,
    measure::wal::Written,
    process::{node::Node, receiver::Behaviour},
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::Stage,
};

const FULL: u64 = 200_000;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let count = bench.count(FULL, 20_000);
    let mut stage = Stage::set(bench, store).await?;
    let node = Node::start(&stage.database).await?;
    node.endpoint("default", &stage.receiver.url(Behaviour::Healthy, 0), CONNECTIONS).await?;
    node.stop().await?;

    let emitting = stage.begin(&[]).await?;
    stage.database.fill(0, count, USUAL, To::All).await?;
    let emitted = stage.end(emitting, &[]).await?;
    let mut session = stage.session().await?;
    let stored = stored_payload(&mut session, store).await?;
    session.settle().await?;

    let (drained, nodes) = stage.drain(1, count, count).await?;
    let dead_tuples = dead_tuples(&mut session).await?;
    let detail =
        session.number(format!("SELECT CAST(avg(length(detail)) AS BIGINT) FROM {}", stage.database.table("finished")));
    let detail = detail.await?;
    for node in nodes {
        node.stop().await?;
    }
    let row = stage.row("drain", format!("{} events, one endpoint", grouped(count as f64))).scaled(count, FULL);
    let mut row = drained.tell(row, count).with("dead_tuples_of_delivery", dead_tuples).with("detail_bytes", detail);
    if let (Some(emit), Some(rest)) = (emitted.written, drained.used.written) {
        let each = count.max(1) as f64;
        row = row
            .with("wal_bytes_of_emit", emit.bytes / each)
            .with("stored_payload_bytes", stored)
            .with("wal_bytes_without_payload", wal_without_payload(&emit, &rest, stored, each));
    }
    drop(session);
    stage.clear().await?;
    Ok(vec![targets(bench, row, store)])
}

fn targets(bench: &Bench, row: Row, store: Store) -> Row {
    match store {
        Store::Sqlite => {
            let rate = row.per_second.unwrap_or_default();
            row.target(bench, "≥ 10,000/s", rate >= 10_000.0)
        }
        Store::Postgres => {
            let of_bare = row.of_bare.unwrap_or_default();
            let cpu = row.times_bare_cpu().unwrap_or(f64::INFINITY);
            let wal = row.measured("wal_bytes_without_payload").unwrap_or(f64::INFINITY);
            let result = format!("{}, CPU {cpu:.1} × bare, WAL {wal:.0} B", row.result);
            let met = of_bare >= 0.25 && cpu <= 8.0 && wal <= 2_048.0;
            row.with("times_bare_cpu", cpu).result(result).target(
                bench,
                "≥ 25 % of bare, CPU ≤ 8 × bare, WAL ≤ 2 KB without payload",
                met,
            )
        }
    }
}

/// Emit, routing and record together.
fn wal_without_payload(emit: &Written, rest: &Written, stored: f64, each: f64) -> f64 {
    (emit.bytes + rest.bytes) / each - stored
}

/// What a payload takes in its row, compressed as it may be.
async fn stored_payload(session: &mut Session, store: Store) -> Result<f64> {
    let statement = match store {
        Store::Postgres => {
            "SELECT avg(pg_column_size(payload))::bigint FROM (SELECT payload FROM ringback.event LIMIT 1000) AS few"
        }
        Store::Sqlite => {
            "SELECT CAST(avg(length(payload)) AS INTEGER) FROM (SELECT payload FROM ringback_event LIMIT 1000)"
        }
    };
    Ok(session.number(statement.to_owned()).await? as f64)
}

async fn dead_tuples(session: &mut Session) -> Result<Option<i64>> {
    if session.postgres().is_none() {
        return Ok(None);
    }
    let statement = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'ringback' AND relname = 'delivery'";
    session.number(statement.to_owned()).await.map(Some)
}
