//! The same number of deliveries from fewer events: each event to 1, 10 or 100 endpoints.

use crate::{
    bench::{Bench, CONNECTIONS},
    database::{Store, To},
    failure::Result,
    process::{node::Node, receiver::Behaviour},
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::Stage,
};

const FULL: u64 = 200_000;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for width in [1, 10, 100] {
        let events = (bench.count(FULL, 10_000) / width).max(1);
        let deliveries = events * width;
        let mut stage = Stage::set(bench, store).await?;
        let node = Node::start(&stage.database).await?;
        for number in 0..u32::try_from(width)? {
            let url = stage.receiver.url(Behaviour::Healthy, number);
            node.endpoint("default", &url, (CONNECTIONS / u32::try_from(width)?).max(4)).await?;
        }
        node.stop().await?;
        stage.database.fill(0, events, USUAL, To::All).await?;
        stage.session().await?.settle().await?;
        let (drained, nodes) = stage.drain(1, deliveries, 0).await?;
        let endpoints = if width == 1 { "endpoint" } else { "endpoints" };
        let what = format!("{} events to {width} {endpoints} each", grouped(events as f64));
        rows.push(drained.tell(stage.row("fan-out", what), deliveries).scaled(deliveries, FULL));
        for node in nodes {
            node.stop().await?;
        }
        stage.clear().await?;
    }
    Ok(rows)
}
