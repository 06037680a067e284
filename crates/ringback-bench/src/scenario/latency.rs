//! Latency at light load: fifty calls end a second, and nothing else happens.

use serde_json::json;

use crate::{
    bench::Bench,
    database::Store,
    failure::{Failure, Result},
    measure::latency::Latency,
    process::{
        node::Node,
        producer::{Done, Events, Job, Pace},
        receiver::Behaviour,
    },
    report::Row,
    sizes::USUAL,
    stage::Stage,
};

/// Events a second.
const RATE: f64 = 50.0;

const FULL_SECONDS: f64 = 60.0;

/// Of the producer: more than are ever busy at once.
const CONNECTIONS: usize = 4;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let mut stage = Stage::set(bench, store).await?;
    let node = Node::start(&stage.database).await?;
    node.endpoint("default", &stage.receiver.url(Behaviour::Healthy, 0), 16).await?;
    let pace = Pace::rate(RATE, bench.seconds(FULL_SECONDS, 4.0));
    let events = |first| Events { first, sizes: USUAL, tenants: 0 };
    let warm_up = Pace::count(50, 10.0);
    stage.produce(&node.job(CONNECTIONS, warm_up, events(0)), warm_up).await?;
    stage.receiver.all(50, pace.patience()).await?;

    let mut ways = vec![("request to first byte by HTTP", node.job(CONNECTIONS, pace, events(1_000_000)), (3.0, 10.0))];
    if store == Store::Postgres {
        let url = stage.database.url().to_owned();
        let job = Job::Sql { url, connections: CONNECTIONS, pace, events: events(2_000_000) };
        ways.push(("statement to first byte by SQL, not woken", job, (20.0, 50.0)));
    }
    let mut rows = Vec::new();
    for (what, job, limits) in ways {
        stage.receiver.reset(0).await?;
        let window = stage.begin(&[node.pid]).await?;
        let done = stage.produce(&job, pace).await?;
        let report = stage.receiver.all(done.accepted, pace.patience()).await?;
        let used = stage.end(window, &[node.pid]).await?;
        let latency = report.healthy().and_then(|class| class.latency);
        let latency = latency.ok_or_else(|| Failure::new("the receiver has no latencies"))?;
        let row = stage.row("latency", format!("{what}, {RATE}/s for {} s", pace.seconds)).used(&used, done.accepted);
        rows.push(tell(bench, row, &latency, &done, limits));
    }
    node.stop().await?;
    stage.clear().await?;
    Ok(rows)
}

fn tell(bench: &Bench, row: Row, latency: &Latency, done: &Done, (p50, p99): (f64, f64)) -> Row {
    row.result(format!("p50 {:.2} ms, p99 {:.2} ms", latency.p50_ms, latency.p99_ms))
        .target(bench, format!("p50 ≤ {p50} ms, p99 ≤ {p99} ms"), latency.p50_ms <= p50 && latency.p99_ms <= p99)
        .with("latency", json!(latency))
        .with("accepting", json!(done.latency))
        .with("late_ms", done.late_ms)
}
