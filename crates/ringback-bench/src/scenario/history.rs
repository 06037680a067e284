//! What a long history costs: draining beside it, and finding one call in it.

use serde_json::json;

use crate::{
    bench::{Bench, CONNECTIONS},
    database::{Store, To},
    failure::{Failure, Result},
    measure::{clock, latency::Latencies},
    process::{
        node::{Node, TOKEN},
        receiver::Behaviour,
    },
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::{Moment, Stage},
};

const FULL: u64 = 10_000_000;
const FULL_DRAINED: u64 = 200_000;

/// Calls that are looked for, once to warm up and once to measure.
const LOOKED_FOR: u64 = 1_000;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let (past, drained) = (bench.count(FULL, 20_000), bench.scaled(FULL_DRAINED, 6_000));
    let mut stage = Stage::set(bench, store).await?;
    let node = Node::start(&stage.database).await?;
    let endpoint = node.endpoint("default", &stage.receiver.url(Behaviour::Healthy, 0), CONNECTIONS).await?;
    node.stop().await?;
    stage.database.fill_history(past, &endpoint, &[]).await?;
    stage.database.fill(0, drained, USUAL, To::All).await?;
    stage.session().await?.settle().await?;

    stage.receiver.reset(drained).await?;
    let window = stage.begin(&[]).await?;
    let since = Moment::now();
    let node = Node::start(&stage.database).await?;
    let report = stage.receiver.all(drained, bench.patience()).await?;
    let used = stage.end(window, &[node.pid]).await?;
    let seconds = report.last_ns.saturating_sub(since.monotonic_ns) as f64 / 1e9;
    let what = format!("{} events beside {} in the history", grouped(drained as f64), grouped(past as f64));
    let draining = stage.row("history", what).rate(drained as f64 / seconds).used(&used, drained).scaled(past, FULL);

    let count = bench.scaled(LOOKED_FOR, 100);
    find(&node, past, count).await?;
    let found = find(&node, past, count).await?.summary().ok_or_else(|| Failure::new("nothing was looked for"))?;
    let finding = stage
        .row("history", format!("find one call among {}, warm, as the command does", grouped(past as f64)))
        .result(format!("p50 {:.2} ms, p99 {:.2} ms", found.p50_ms, found.p99_ms))
        .with("latency", json!(found))
        .scaled(past, FULL)
        .target(bench, "p99 < 50 ms", found.p99_ms < 50.0);
    node.stop().await?;
    stage.clear().await?;
    Ok(vec![draining, finding])
}

/// Everything that `ringback find KEY` asks, for keys all over the history.
async fn find(node: &Node, past: u64, count: u64) -> Result<Latencies> {
    let (mut connection, mut latencies) = (node.connect().await?, Latencies::default());
    for at in 0..count {
        let number = at.wrapping_mul(7_919_317) % past;
        let since = clock::monotonic_ns();
        let page = connection.api(TOKEN, "GET", &format!("/v1/find?q=past-{number}"), None).await?;
        let id = page["items"][0]["id"].as_str().ok_or_else(|| Failure::new(format!("past-{number} is not found")))?;
        let event = connection.api(TOKEN, "GET", &format!("/v1/events/{id}"), None).await?;
        let id =
            event["deliveries"][0]["id"].as_str().ok_or_else(|| Failure::new(format!("no delivery in {event}")))?;
        connection.api(TOKEN, "GET", &format!("/v1/deliveries/{id}"), None).await?;
        latencies.add_ns(clock::monotonic_ns() - since);
    }
    Ok(latencies)
}
