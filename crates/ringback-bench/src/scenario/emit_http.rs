//! One event per HTTP request over 64 connections, as fast as they are answered, delivered meanwhile.

use crate::{
    bench::{Bench, CONNECTIONS},
    database::Store,
    failure::Result,
    process::{
        node::Node,
        producer::{Events, Pace},
        receiver::Behaviour,
    },
    report::{Row, row::grouped},
    scenario::told,
    sizes::USUAL,
    stage::{Moment, Stage},
};

const FULL: u64 = 200_000;

/// Of the producer.
const CLIENTS: usize = 64;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let count = bench.count(FULL, 20_000);
    let mut stage = Stage::set(bench, store).await?;
    let node = Node::start(&stage.database).await?;
    node.endpoint("default", &stage.receiver.url(Behaviour::Healthy, 0), CONNECTIONS).await?;
    stage.receiver.reset(count).await?;
    let window = stage.begin(&[node.pid]).await?;
    let since = Moment::now();
    let pace = Pace::count(count, 1_200.0);
    let done = stage.produce(&node.job(CLIENTS, pace, Events { first: 0, sizes: USUAL, tenants: 0 }), pace).await?;
    let drained = stage.drained(since, window, count, &[node.pid]).await?;
    let row = stage.row("emit-http", format!("{} events, one a request, {CLIENTS} connections", grouped(count as f64)));
    let row = told(drained.tell(row, count), &done).with("latency", told_latency(&drained.report));
    let rate = row.per_second.unwrap_or_default();
    let row = row.scaled(count, FULL).target(bench, "≥ 8,000/s delivered", rate >= 8_000.0);
    node.stop().await?;
    stage.clear().await?;
    Ok(vec![row])
}

fn told_latency(report: &crate::process::receiver::Report) -> serde_json::Value {
    serde_json::json!(report.healthy().and_then(|class| class.latency))
}
