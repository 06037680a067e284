//! Everybody hangs up at once: 20,000 calls end within two seconds.

use serde_json::json;

use crate::{
    bench::Bench,
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

const FULL: u64 = 20_000;
const SECONDS: f64 = 2.0;

/// Customers whose calls they are.
const FULL_TENANTS: u64 = 100;

const CLIENTS: usize = 256;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let (count, tenants) = (bench.count(FULL, 8_000), bench.scaled(FULL_TENANTS, 20));
    let mut stage = Stage::set(bench, store).await?;
    let node = Node::start(&stage.database).await?;
    for number in 0..tenants {
        let url = stage.receiver.url(Behaviour::Healthy, u32::try_from(number)?);
        node.endpoint(&format!("t{number}"), &url, 16).await?;
    }
    stage.receiver.reset(count).await?;
    let window = stage.begin(&[node.pid]).await?;
    let since = Moment::now();
    // All are sent, however long it takes: the rate says when, the count how many.
    let pace = Pace { count, rate: Some(count as f64 / SECONDS), seconds: 120.0 };
    let done = stage.produce(&node.job(CLIENTS, pace, Events { first: 0, sizes: USUAL, tenants }), pace).await?;
    let drained = stage.drained(since, window, count, &[node.pid]).await?;
    let arrived = drained.report.last_ns.saturating_sub(since.monotonic_ns) as f64 / 1e9;
    let latency = drained.report.healthy().and_then(|class| class.latency);
    let p99 = latency.map_or(0.0, |latency| latency.p99_ms);
    let what = format!("{} calls end in {SECONDS} s, {tenants} customers", grouped(count as f64));
    let row = told(drained.tell(stage.row("end-all", what), count), &done)
        .result(format!("accepted after {:.1} s, delivered after {arrived:.1} s, p99 {p99:.0} ms", done.seconds))
        .with("latency", json!(latency))
        .scaled(count, FULL);
    node.stop().await?;
    stage.clear().await?;
    Ok(vec![row])
}
