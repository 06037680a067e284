//! The database crashes and comes back while a backlog goes out through four nodes: whether anything is lost or doubled,
//! how long nothing arrives, and how many connections the nodes make when it is back.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::{
    bench::Bench,
    database::{Database, Store, To},
    failure::{Failure, Result},
    process::{
        cluster::Cluster,
        node::Node,
        receiver::{Behaviour, Receiver, Report},
    },
    report::{Row, row::grouped},
    sizes::USUAL,
    stage::Stage,
};

const FULL: u64 = 100_000;

const NODES: u32 = 4;

/// So that every node has some.
const ENDPOINTS: u64 = 64;

/// Those of the pipeline and of the desk, six each, and the one that renews the lease.
const CONNECTIONS_OF_A_NODE: i64 = 13;

/// How long the server may take to come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// After it is back, until its connections are counted.
const LATER: Duration = Duration::from_secs(1);

/// Between looks at the receiver.
const LOOK: Duration = Duration::from_millis(5);

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    // A server that others may use is not ours to crash.
    let ours = bench.cluster.as_ref().is_some_and(Cluster::is_private);
    if !ours || !bench.stores.contains(&Store::Postgres) {
        return Ok(Vec::new());
    }
    let count = bench.count(FULL, 10_000);
    let mut stage = Stage::set(bench, Store::Postgres).await?;
    let node = Node::start(&stage.database).await?;
    let mut connection = node.connect().await?;
    for number in 0..ENDPOINTS {
        let url = stage.receiver.url(Behaviour::Healthy, u32::try_from(number)?);
        Node::endpoint_over(&mut connection, &format!("t{number}"), &url, 16).await?;
    }
    node.stop().await?;
    stage.database.fill(0, count, USUAL, To::Tenants(ENDPOINTS)).await?;
    stage.session().await?.settle().await?;

    stage.receiver.reset(count).await?;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(Node::start(&stage.database).await?);
    }
    stage.receiver.all(count / 4, bench.patience()).await?;
    crash(&stage.database).await?;
    let (seen, back) = {
        let Stage { receiver, database, .. } = &mut stage;
        tokio::join!(watch(receiver, count, bench.patience()), come_back(database))
    };
    let (Seen { report, longest }, Back { down, connections }) = (seen?, back?);
    stage.finished(count).await?;
    for node in nodes {
        node.stop().await?;
    }
    let (still, down) = (longest.as_secs_f64(), down.as_secs_f64());
    let what = format!("the database crashes while {} events go out through {NODES} nodes", grouped(count as f64));
    let row = stage
        .row("restart", what)
        .scaled(count, FULL)
        .result(format!("away for {down:.1} s, nothing arrives for {still:.1} s, then {connections} connections"))
        .with("down_seconds", down)
        .with("longest_silence_seconds", still)
        .with("connections", connections)
        .with("missing", report.missing)
        .with("duplicates", report.duplicates)
        .target(
            bench,
            format!("none lost, none doubled, at most {CONNECTIONS_OF_A_NODE} connections a node"),
            report.missing == 0 && report.duplicates == 0 && connections <= CONNECTIONS_OF_A_NODE * i64::from(NODES),
        );
    stage.clear().await?;
    Ok(vec![row])
}

/// Kills one of its processes, upon which PostgreSQL ends all of them and recovers.
async fn crash(database: &Database) -> Result<()> {
    let pid = database.session().await?.number("SELECT pg_backend_pid()::bigint".to_owned()).await?;
    let pid =
        i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| Failure::new("a process without a number"))?;
    kill_process(pid, Signal::KILL)?;
    Ok(())
}

struct Back {
    down: Duration,
    connections: i64,
}

/// Waits until the database answers again, and looks at who is there soon after.
async fn come_back(database: &Database) -> Result<Back> {
    let since = Instant::now();
    let mut session = loop {
        match database.session().await {
            Ok(session) => break session,
            Err(failure) if since.elapsed() > PATIENCE => return Err(failure),
            Err(_) => sleep(LOOK).await,
        }
    };
    let down = since.elapsed();
    sleep(LATER).await;
    let of_nodes = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ringback'";
    Ok(Back { down, connections: session.number(of_nodes.to_owned()).await? })
}

struct Seen {
    report: Report,
    /// Without any arrival.
    longest: Duration,
}

/// Looks at what arrives until all has.
async fn watch(receiver: &mut Receiver, count: u64, patience: Duration) -> Result<Seen> {
    let (begun, mut last, mut longest, mut arrived) = (Instant::now(), Instant::now(), Duration::ZERO, 0);
    loop {
        let report = receiver.report().await?;
        if report.arrivals > arrived {
            arrived = report.arrivals;
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        if report.missing == 0 || arrived >= count && last.elapsed() > LATER {
            return Ok(Seen { report, longest });
        }
        if begun.elapsed() > patience {
            return Err(Failure::new(format!("{} of {count} events are missing", report.missing)));
        }
        sleep(LOOK).await;
    }
}
