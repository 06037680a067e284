//! The database alone: emit, route, load, record, and nothing sent. How far the store's statements go.

use crate::{
    bench::Bench,
    database::{Store, To},
    failure::Result,
    process::storer::Storer,
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::Stage,
};

const FULL: u64 = 200_000;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let count = bench.count(FULL, 20_000);
    let stage = Stage::set(bench, store).await?;
    let emitting = stage.begin(&[]).await?;
    let since = std::time::Instant::now();
    stage.database.fill(0, count, USUAL, To::All).await?;
    let emit_seconds = since.elapsed().as_secs_f64();
    let used = stage.end(emitting, &[]).await?;
    let emitted = stage
        .row("database", format!("emit {} events with one statement", grouped(count as f64)))
        .rate(count as f64 / emit_seconds)
        .used(&used, count)
        .scaled(count, FULL);
    stage.session().await?.settle().await?;

    let mut storer = Storer::start()?;
    let window = stage.begin(&[]).await?;
    let seconds = storer.run(stage.database.url(), count).await?;
    let used = stage.end(window, &[storer.pid()]).await?;
    let stored = stage
        .row("database", format!("route, load and record {} deliveries, none sent", grouped(count as f64)))
        .rate(count as f64 / seconds)
        .used(&used, count)
        .scaled(count, FULL);
    drop(storer);
    stage.clear().await?;
    Ok(vec![emitted, stored])
}
