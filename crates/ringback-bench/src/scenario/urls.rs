//! The URL comes with the event: no endpoint is registered, and each event goes somewhere else.

use crate::{
    bench::Bench,
    database::{Store, To},
    failure::Result,
    process::receiver::{ADDRESSES, PORTS},
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::Stage,
};

const FULL: u64 = 100_000;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let count = bench.count(FULL, 10_000);
    let mut stage = Stage::set(bench, store).await?;
    let to = To::Urls { addresses: ADDRESSES, first_port: stage.receiver.port, ports: PORTS };
    stage.database.fill(0, count, USUAL, to).await?;
    stage.session().await?.settle().await?;
    let (drained, nodes) = stage.drain(1, count, count).await?;
    let hosts = u64::from(ADDRESSES) * u64::from(PORTS);
    let what = format!("{} events, each to its own URL, {hosts} hosts and ports", grouped(count as f64));
    let row = drained.tell(stage.row("urls", what), count).scaled(count, FULL);
    for node in nodes {
        node.stop().await?;
    }
    stage.clear().await?;
    Ok(vec![row])
}
