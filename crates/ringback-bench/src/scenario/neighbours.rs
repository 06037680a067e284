//! What sick receivers cost the healthy ones: an open loop at half of what the engine can do, alone and with
//! neighbours that hang, dawdle, flap and ask for patience; and the same for growing shares of hanging ones.

use serde_json::json;

use crate::{
    bench::{Bench, Scale},
    database::Store,
    failure::Result,
    neighbourhood::{Mix, Neighbourhood, Seen},
    report::{Plot, Row, row::grouped},
};

const FULL_ENDPOINTS: u64 = 1_000;

/// The mix, what it is called, and whether it has the target.
const MIXES: [(Mix, &str, bool); 2] =
    [(Mix::hanging(10), "10 % hang 30 s", true), (Mix::BAD_DAY, "10 % hang, 3 % slow, 1 % flap, 2 % answer 429", true)];

/// Shares of hanging endpoints on the plot, besides those above.
const SHARES: [u64; 4] = [1, 5, 20, 40];

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let endpoints = bench.scaled(FULL_ENDPOINTS, 100).max(100);
    let seconds = bench.seconds(60.0, 2.5);
    let (rate, mut row, alone) = alone(bench, store, endpoints, seconds).await?;
    row = row.scaled(endpoints, FULL_ENDPOINTS);
    let mut rows = vec![row];
    let mut points = vec![(0.0, alone.p99)];
    for (mix, name, _) in MIXES {
        let (seen, row) = with(bench, store, endpoints, mix, rate, seconds, name).await?;
        if mix == Mix::hanging(10) {
            points.push((10.0, seen.healthy.p99_ms));
        }
        rows.push(judged(bench, row, &seen, &alone, rate, mix).scaled(endpoints, FULL_ENDPOINTS));
    }
    for share in if bench.scale == Scale::Full { &SHARES[..] } else { &SHARES[3..] } {
        let name = format!("{share} % hang 30 s");
        let (seen, row) = with(bench, store, endpoints, Mix::hanging(*share), rate, seconds / 2.0, &name).await?;
        points.push((*share as f64, seen.healthy.p99_ms));
        rows.push(row.scaled(endpoints, FULL_ENDPOINTS));
    }
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    bench.plot(Plot {
        name: format!("neighbours-{}", store.name().to_lowercase()),
        title: format!("Healthy endpoints' p99 beside hanging ones, {}", store.name()),
        x: "hanging endpoints, %".to_owned(),
        y: "p99, ms".to_owned(),
        points,
    });
    Ok(rows)
}

/// Healthy ones alone.
struct Alone {
    p99: f64,
    rate: f64,
}

async fn alone(bench: &Bench, store: Store, endpoints: u64, seconds: f64) -> Result<(f64, Row, Alone)> {
    let mut healthy = Neighbourhood::build(bench, store, endpoints, Mix::HEALTHY).await?;
    let capacity = healthy.capacity(bench.scaled(60_000, 5_000)).await?;
    let rate = capacity / 2.0;
    let seen = healthy.open_loop(rate, seconds).await?;
    let row = healthy.stage.row("neighbours", format!("{endpoints} healthy endpoints, {}/s", grouped(rate)));
    let row = told(row, &seen).with("capacity_per_second", capacity);
    healthy.leave().await?;
    Ok((rate, row, Alone { p99: seen.healthy.p99_ms, rate: seen.healthy_rate }))
}

async fn with(
    bench: &Bench,
    store: Store,
    endpoints: u64,
    mix: Mix,
    rate: f64,
    seconds: f64,
    name: &str,
) -> Result<(Seen, Row)> {
    let mut neighbourhood = Neighbourhood::build(bench, store, endpoints, mix).await?;
    let seen = neighbourhood.open_loop(rate, seconds).await?;
    let row =
        neighbourhood.stage.row("neighbours", format!("{endpoints} endpoints of which {name}, {}/s", grouped(rate)));
    let row = told(row, &seen);
    neighbourhood.leave().await?;
    Ok((seen, row))
}

fn told(row: Row, seen: &Seen) -> Row {
    let (healthy, rate) = (&seen.healthy, seen.healthy_rate);
    let result = format!("healthy p50 {:.1} ms, p99 {:.1} ms, {}/s", healthy.p50_ms, healthy.p99_ms, grouped(rate));
    super::told(row.result(result).used(&seen.used, seen.report.arrivals), &seen.done)
        .with("healthy", json!(healthy))
        .with("healthy_per_second", rate)
        .with("healthy_expected", seen.healthy_expected)
        .with("classes", json!(seen.report.classes))
        .with("connections_max", seen.report.connections_max)
}

fn judged(bench: &Bench, row: Row, seen: &Seen, alone: &Alone, rate: f64, mix: Mix) -> Row {
    let limit = (alone.p99 * 1.5).max(alone.p99 + 10.0);
    let sick = mix.hanging + mix.slow + mix.flapping + mix.busy;
    let expected = rate.min(alone.rate) * (100 - sick) as f64 / 100.0;
    let throughput = seen.healthy_rate / expected;
    row.with("healthy_throughput_of_expected", throughput).target(
        bench,
        format!("p99 ≤ max(1.5 × alone, alone + 10 ms) = {limit:.1} ms, throughput ≥ 90 %"),
        seen.healthy.p99_ms <= limit && throughput >= 0.9,
    )
}
