//! Payloads as calls make them: most are short, three of a hundred hold half of all bytes.

use crate::{
    bench::{Bare, Bench, CONNECTIONS},
    database::{Store, To},
    failure::Result,
    process::{node::Node, receiver::Behaviour},
    report::{Row, row::grouped},
    sizes::Sizes,
    stage::Stage,
};

const FULL: u64 = 50_000;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let count = bench.count(FULL, 5_000);
    let mut stage = Stage::set(bench, store).await?;
    let seconds = bench.seconds(4.0, 1.0);
    let done = bench.bare_of(&mut stage.receiver, &mut stage.producer, seconds, Sizes::Calls).await?;
    stage.bare = Bare::of(&done);
    let node = Node::start(&stage.database).await?;
    node.endpoint("default", &stage.receiver.url(Behaviour::Healthy, 0), CONNECTIONS).await?;
    node.stop().await?;
    stage.database.fill(0, count, Sizes::Calls, To::All).await?;
    stage.session().await?.settle().await?;
    let (drained, nodes) = stage.drain(1, count, count).await?;
    let mean = Sizes::Calls.mean() / 1_000.0;
    let what = format!("{} events of 1.2 to 450 KB, {mean:.1} KB on average", grouped(count as f64));
    let row = drained.tell(stage.row("size-mix", what), count).scaled(count, FULL);
    let megabytes = row.per_second.unwrap_or_default() * Sizes::Calls.mean() / 1e6;
    for node in nodes {
        node.stop().await?;
    }
    stage.clear().await?;
    Ok(vec![row.with("payload_mb_per_second", megabytes)])
}
