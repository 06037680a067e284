//! Whether a backlog slows its own draining, and what memory it takes: the same number of deliveries out of growing
//! backlogs, the last time with a long history besides. They are routed beforehand, by what only uses the store.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    bench::{Bench, Scale},
    database::{Store, To},
    failure::Result,
    measure::memory,
    process::{node::Node, receiver::Behaviour, storer::Storer},
    report::{Plot, Row, row::grouped},
    sizes::Sizes,
    stage::{Moment, Stage},
};

const FULL_DRAINED: u64 = 200_000;
const FULL_HISTORY: u64 = 10_000_000;

/// Multiples of what is drained that are pending at the start; the last time beside a history.
const TIMES: [u64; 4] = [1, 2, 5, 5];
const TIMES_SCALED: [u64; 2] = [1, 5];

/// Customers whose backlog it is.
const FULL_TENANTS: u64 = 100;

/// After a start, until memory is what it stays.
const CALM: Duration = Duration::from_secs(2);

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let drained = bench.count(FULL_DRAINED, 5_000);
    let mut rows: Vec<Row> = Vec::new();
    let mut points = Vec::new();
    let all = if bench.scale == Scale::Full { &TIMES[..] } else { &TIMES_SCALED[..] };
    for (at, times) in all.iter().enumerate() {
        let is_last = at == all.len() - 1;
        let history = if is_last { bench.scaled(FULL_HISTORY, 20_000) } else { 0 };
        let row = one(bench, store, drained, drained * times, history).await?.scaled(drained, FULL_DRAINED);
        let rate = row.per_second.unwrap_or_default();
        if history == 0 {
            points.push(((drained * times) as f64, rate));
        }
        let base = rows.first().and_then(|row| row.per_second).unwrap_or(rate);
        let row = row.with("of_smallest", rate / base);
        rows.push(if is_last { judged(bench, row, rate / base) } else { row });
    }
    bench.plot(Plot {
        name: format!("backlog-{}", store.name().to_lowercase()),
        title: format!("Draining out of a backlog, {}", store.name()),
        x: "pending deliveries".to_owned(),
        y: "deliveries/s".to_owned(),
        points,
    });
    Ok(rows)
}

fn judged(bench: &Bench, row: Row, of_smallest: f64) -> Row {
    let most = row.peak_mb.unwrap_or(f64::MAX);
    let idle = row.measured("resident_mb_idle").unwrap_or(f64::MAX);
    let share = of_smallest * 100.0;
    let result = format!("{}, {share:.0} % of the smallest, {idle:.0} MB idle, {most:.0} MB at most", row.result);
    row.result(result).target(
        bench,
        "≥ 80 % of the smallest, memory ≤ 40 MB idle, ≤ 300 MB with 1 M pending",
        of_smallest >= 0.8 && most <= 300.0 && idle <= 40.0,
    )
}

async fn one(bench: &Bench, store: Store, drained: u64, pending: u64, history: u64) -> Result<Row> {
    let mut stage = Stage::set(bench, store).await?;
    let tenants = bench.scaled(FULL_TENANTS, 20);
    let node = Node::start(&stage.database).await?;
    if history > 0 {
        sleep(CALM).await;
    }
    let idle = memory::resident(node.pid)?;
    let mut endpoints = Vec::new();
    for number in 0..tenants {
        let url = stage.receiver.url(Behaviour::Healthy, u32::try_from(number)?);
        endpoints.push(node.endpoint(&format!("t{number}"), &url, 16).await?);
    }
    node.stop().await?;
    if history > 0 {
        stage.database.fill_history(history, &endpoints[0], &[]).await?;
    }
    // Small ones: a million of the usual size would only fill the disk.
    stage.database.fill(0, pending, Sizes::Fixed(512), To::Tenants(tenants)).await?;
    let mut storer = Storer::start()?;
    storer.route(stage.database.url(), pending, &endpoints).await?;
    drop(storer);
    stage.session().await?.settle().await?;

    stage.receiver.reset(pending).await?;
    let window = stage.begin(&[]).await?;
    let since = Moment::now();
    let node = Node::start(&stage.database).await?;
    let report = stage.receiver.all(drained, bench.patience()).await?;
    let seconds = report.last_ns.saturating_sub(since.monotonic_ns) as f64 / 1e9;
    let used = stage.end(window, &[node.pid]).await?;
    node.kill().await?;

    let past = if history == 0 { String::new() } else { format!(", {} in the history", grouped(history as f64)) };
    let what = format!("{} out of {} pending{past}", grouped(drained as f64), grouped(pending as f64));
    let row = stage
        .row("backlog", what)
        .rate(report.arrivals as f64 / seconds)
        .used(&used, report.arrivals)
        .with("resident_mb_idle", idle as f64 / 1e6)
        .with("first_arrival_ms", report.first_ns.saturating_sub(since.monotonic_ns) as f64 / 1e6)
        .with("duplicates", report.duplicates);
    stage.clear().await?;
    Ok(row)
}
