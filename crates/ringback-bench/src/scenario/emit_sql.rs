//! One event per transaction of `ringback.emit`, over a few connections, delivered meanwhile. Nobody wakes the node.

use crate::{
    bench::{Bench, CONNECTIONS},
    database::Store,
    failure::Result,
    process::{
        node::Node,
        producer::{Events, Job, Pace},
        receiver::Behaviour,
    },
    report::{Row, row::grouped},
    scenario::told,
    sizes::USUAL,
    stage::{Moment, Stage},
};

const FULL: u64 = 100_000;

/// Of the platform.
const CLIENTS: usize = 16;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    if !bench.stores.contains(&Store::Postgres) {
        return Ok(Vec::new());
    }
    let count = bench.count(FULL, 10_000);
    let mut stage = Stage::set(bench, Store::Postgres).await?;
    let node = Node::start(&stage.database).await?;
    node.endpoint("default", &stage.receiver.url(Behaviour::Healthy, 0), CONNECTIONS).await?;
    stage.receiver.reset(count).await?;
    let window = stage.begin(&[node.pid]).await?;
    let since = Moment::now();
    let pace = Pace::count(count, 1_200.0);
    let events = Events { first: 0, sizes: USUAL, tenants: 0 };
    let job = Job::Sql { url: stage.database.url().to_owned(), connections: CLIENTS, pace, events };
    let done = stage.produce(&job, pace).await?;
    let drained = stage.drained(since, window, count, &[node.pid]).await?;
    let what = format!("{} events, one a transaction, {CLIENTS} connections", grouped(count as f64));
    let row = told(drained.tell(stage.row("emit-sql", what), count), &done).scaled(count, FULL);
    node.stop().await?;
    stage.clear().await?;
    Ok(vec![row])
}
