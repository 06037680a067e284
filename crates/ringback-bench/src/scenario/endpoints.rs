//! Many customers: what a hundred thousand registered endpoints cost when they are made, when a node starts, and when
//! their events go out.

use std::time::Instant;

use crate::{
    bench::Bench,
    database::{Store, To},
    failure::Result,
    measure::memory,
    process::{node::Node, receiver::Behaviour},
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::Stage,
};

const FULL: u64 = 100_000;

/// Who registers them, at a time.
const CLIENTS: u64 = 16;

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let endpoints = bench.count(FULL, 2_000);
    let events = endpoints * 2;
    let mut stage = Stage::set(bench, store).await?;
    let node = Node::start(&stage.database).await?;
    let since = Instant::now();
    let urls: Vec<_> = (0..CLIENTS)
        .map(|client| (client..endpoints).step_by(CLIENTS as usize))
        .map(|numbers| numbers.map(|number| (number, stage.receiver.url(Behaviour::Healthy, number as u32))).collect())
        .collect();
    register(&node, urls).await?;
    let registering = endpoints as f64 / since.elapsed().as_secs_f64();
    node.stop().await?;
    stage.session().await?.settle().await?;
    let since = Instant::now();
    let node = Node::start(&stage.database).await?;
    let starting = since.elapsed().as_secs_f64();
    let resident = memory::resident(node.pid)?;
    node.stop().await?;
    stage.database.fill(0, events, USUAL, To::Tenants(endpoints)).await?;
    stage.session().await?.settle().await?;
    let (drained, nodes) = stage.drain(1, events, events).await?;
    let what = format!("{} events for {} endpoints", grouped(events as f64), grouped(endpoints as f64));
    let row = drained
        .tell(stage.row("endpoints", what), events)
        .scaled(endpoints, FULL)
        .with("registered_per_second", registering)
        .with("start_seconds", starting)
        .with("resident_mb_after_start", resident as f64 / 1e6);
    for node in nodes {
        node.stop().await?;
    }
    stage.clear().await?;
    Ok(vec![row])
}

async fn register(node: &Node, urls: Vec<Vec<(u64, String)>>) -> Result<()> {
    let mut clients = tokio::task::JoinSet::new();
    for urls in urls {
        let mut connection = node.connect().await?;
        clients.spawn(async move {
            for (number, url) in urls {
                Node::endpoint_over(&mut connection, &format!("t{number}"), &url, 16).await?;
            }
            Ok::<_, crate::failure::Failure>(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}
