//! Several nodes on one PostgreSQL: what that costs, whether anything is lost or doubled, and how long a lane stands
//! still while nodes come and go.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    bench::Bench,
    database::{Store, To},
    failure::{Failure, Result},
    process::{
        node::Node,
        producer::{Events, Pace, Producer},
        receiver::{Behaviour, Report},
    },
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::Stage,
};

const FULL: u64 = 200_000;

/// So that every shard has some.
const FULL_ENDPOINTS: u64 = 256;

/// A node's lease, as it is by default, and what finding the end of another's may take on top.
const LEASE: f64 = 12.0;
const LEASE_AND_A_LOOK: f64 = LEASE + 3.0;

/// How long the last events may be under way after a lease has run out.
const REST: Duration = Duration::from_secs(60);

/// Events a second while nodes come and go.
const RATE: f64 = 500.0;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    if !bench.stores.contains(&Store::Postgres) {
        return Ok(Vec::new());
    }
    let count = bench.count(FULL, 10_000);
    let mut rows: Vec<Row> = Vec::new();
    for nodes in [1, 2, 4] {
        let row = together(bench, nodes, count).await?.scaled(count, FULL);
        let rate = row.per_second.unwrap_or_default();
        let base = rows.first().and_then(|row| row.per_second).unwrap_or(rate);
        let flawless = row.more["missing"] == json!(0) && row.more["duplicates"] == json!(0);
        let row = row.with("of_one_node", rate / base);
        let target = "≥ 80 % of one node, none lost, none doubled";
        rows.push(if nodes == 1 { row } else { row.target(bench, target, rate >= 0.8 * base && flawless) });
    }
    rows.extend(come_and_go(bench).await?);
    Ok(rows)
}

fn endpoints(bench: &Bench) -> u64 {
    bench.scaled(FULL_ENDPOINTS, 64).max(16)
}

async fn set(bench: &Bench) -> Result<(Stage<'_>, Node)> {
    let stage = Stage::set(bench, Store::Postgres).await?;
    let node = Node::start(&stage.database).await?;
    let mut connection = node.connect().await?;
    for number in 0..endpoints(bench) {
        let url = stage.receiver.url(Behaviour::Healthy, u32::try_from(number)?);
        Node::endpoint_over(&mut connection, &format!("t{number}"), &url, 16).await?;
    }
    Ok((stage, node))
}

async fn together(bench: &Bench, nodes: usize, count: u64) -> Result<Row> {
    let (mut stage, node) = set(bench).await?;
    node.stop().await?;
    stage.database.fill(0, count, USUAL, To::Tenants(endpoints(bench))).await?;
    stage.session().await?.settle().await?;
    let (drained, running) = stage.drain(nodes, count, count).await?;
    for node in running {
        node.stop().await?;
    }
    let report = stage.receiver.report().await?;
    let what = format!(
        "{} events, {} endpoints, {nodes} node{}",
        grouped(count as f64),
        endpoints(bench),
        if nodes == 1 { "" } else { "s" }
    );
    let row = drained.tell(stage.row("nodes", what), count);
    stage.clear().await?;
    Ok(row.with("missing", report.missing).with("duplicates", report.duplicates))
}

/// What happens to the second node while the first one takes in events.
#[derive(Debug, Clone, Copy)]
enum Change {
    Joins,
    Leaves,
    Dies,
}

async fn come_and_go(bench: &Bench) -> Result<Vec<Row>> {
    let (mut stage, node) = set(bench).await?;
    let seconds = bench.seconds(40.0, 4.0);
    let mut rows = Vec::new();
    let mut second = None;
    for change in [Change::Joins, Change::Leaves, Change::Joins, Change::Dies] {
        // The lease of one that dies has to run out before the lanes move on.
        let seconds = if matches!(change, Change::Dies) { seconds.max(LEASE_AND_A_LOOK + 5.0) } else { seconds };
        let pace = Pace::rate(RATE, seconds);
        stage.receiver.reset((RATE * seconds) as u64).await?;
        let job = node.job(16, pace, Events { first: 0, sizes: USUAL, tenants: endpoints(bench) });
        let (done, changed) = {
            let Stage { producer, database, .. } = &mut stage;
            tokio::join!(Producer::run(producer, &job, pace.patience()), async {
                sleep(Duration::from_secs_f64(seconds / 4.0)).await;
                apply(change, &mut second, database).await
            })
        };
        changed?;
        let done = done?;
        let report = none_missing(&mut stage, done.accepted).await?;
        let latency = report.healthy().and_then(|class| class.latency).ok_or_else(|| Failure::new("no latencies"))?;
        let limit = if matches!(change, Change::Dies) { LEASE_AND_A_LOOK } else { LEASE };
        let what = format!("a second node {}, {RATE}/s", format!("{change:?}").to_lowercase());
        rows.push(
            super::told(stage.row("nodes", what), &done)
                .result(format!("p50 {:.1} ms, longest {:.0} ms", latency.p50_ms, latency.max_ms))
                .with("latency", json!(latency))
                .with("arrivals", report.arrivals)
                .target(
                    bench,
                    format!("no pause longer than the lease, {limit:.0} s"),
                    latency.max_ms <= limit * 1_000.0,
                ),
        );
    }
    node.stop().await?;
    stage.clear().await?;
    Ok(rows)
}

/// Waits until every event has come at least once: after a node has died, arrivals alone do not tell.
async fn none_missing(stage: &mut Stage<'_>, accepted: u64) -> Result<Report> {
    let since = Instant::now();
    loop {
        let report = stage.receiver.wait(accepted, REST).await?;
        if report.missing == 0 || since.elapsed() > REST {
            return Ok(report);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn apply(change: Change, second: &mut Option<Node>, database: &crate::database::Database) -> Result<()> {
    match (change, second.take()) {
        (Change::Joins, _) => *second = Some(Node::start(database).await?),
        (Change::Leaves, Some(node)) => node.stop().await?,
        (Change::Dies, Some(node)) => node.kill().await?,
        (Change::Leaves | Change::Dies, None) => return Err(Failure::new("there is no second node")),
    }
    Ok(())
}
