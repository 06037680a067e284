//! What befalls the database's server: it is stopped, killed, away, takes no writes, is not what it was, or takes no
//! connections.

use std::time::Duration;

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::{
    cluster::Stop,
    stores::Store,
    until::{until, until_within},
};
use sqlx::{Connection as _, PgConnection};

use crate::{
    row::{Fault, Place, Row},
    stage::{IN_FLIGHT_ALL, Scene},
};

/// How long a server that was stopped is away: less than a lease, and more than any lease or time-out.
const AWAY: Duration = Duration::from_secs(3);
const AWAY_LONG: Duration = Duration::from_secs(60);

/// Longer than a node that cannot write is called ready.
const NOT_WRITABLE: Duration = Duration::from_secs(14);

pub(crate) fn rows() -> Vec<Row> {
    use Store::Postgres;
    let own = |name: &'static str, fault: Fault| Row::new(name, Postgres, fault).at(Place::Own);
    vec![
        own("database_stopped", stopped),
        own("database_stopped_at_once", stopped_at_once),
        own("database_killed", killed),
        own("database_away_for_60_s", away_long).slow(),
        own("read_only", read_only).slow(),
        own("connection_limit", connection_limit),
        own("promoted_from_behind", promoted_from_behind)
            .slow()
            .forgetful()
            .duplicates(IN_FLIGHT_ALL * 10, "what the standby had not heard of was pending there again")
            .latest(Duration::from_secs(20), "the new primary is reached when the old one's connections end"),
    ]
}

fn stopped(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    away(scene, Stop::Fast, AWAY).boxed_local()
}

fn stopped_at_once(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    away(scene, Stop::Immediate, AWAY).boxed_local()
}

fn killed(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    away(scene, Stop::Kill, AWAY).boxed_local()
}

fn away_long(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    away(scene, Stop::Fast, AWAY_LONG).boxed_local()
}

async fn away(scene: &mut Scene, how: Stop, time: Duration) {
    scene.stream.burst(40).await;
    scene.cluster().stop(how);
    scene.pass(time).await;
    scene.cluster().go_on().await;
}

/// As behind a platform that fails over to a server which takes no writes yet.
fn read_only(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let mut connection = scene.cluster().connection().await;
        for (value, time, status) in [("on", NOT_WRITABLE, 503), ("off", Duration::from_secs(1), 200)] {
            let set = format!("ALTER DATABASE postgres SET default_transaction_read_only = {value}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&mut connection).await.expect("it began before");
            sqlx::raw_sql(CUT).execute(&mut connection).await.expect("cut");
            scene.pass(time).await;
            assert_eq!(scene.ask_readiness().await, status, "/readyz while it is {value}");
        }
    }
    .boxed_local()
}

/// Ends the connections of all nodes.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ringback'";

/// Others have taken all connections when the node's own are cut.
fn connection_limit(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let url = scene.cluster().url();
        let mut taken = Vec::new();
        let mut first = PgConnection::connect(&url).await.expect("the cluster answers");
        let mut refused = 0;
        // The node takes its own back meanwhile, so one look is not enough.
        while refused < 5 {
            match PgConnection::connect(&url).await {
                Ok(connection) => taken.push(connection),
                Err(_) => {
                    refused += 1;
                    sqlx::raw_sql(CUT).execute(&mut first).await.expect("cut");
                }
            }
        }
        scene.pass(AWAY).await;
        scene.seen.push(format!("{} connections were taken by others", taken.len()));
    }
    .boxed_local()
}

/// The standby has not heard of the last events when it is made the primary. All of them had been delivered, so that
/// nothing that was acknowledged is lost with the old primary: how far a standby may be behind is the operator's choice.
fn promoted_from_behind(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let standby = scene.cluster().standby().await;
        let same = "SELECT pg_current_wal_lsn() <= replay_lsn FROM pg_stat_replication";
        let url = scene.cluster().url();
        until("the standby follows", async || {
            let mut connection = PgConnection::connect(&url).await.ok()?;
            sqlx::query_scalar::<_, bool>(same)
                .fetch_optional(&mut connection)
                .await
                .ok()
                .flatten()
                .filter(|same| *same)
        })
        .await;
        standby.run("ALTER SYSTEM SET primary_conninfo = ''").await;
        standby.run("SELECT pg_reload_conf()").await;
        scene.stream.burst(40).await;
        scene.pause().await;
        scene.nodes[0].api.settled().await;
        let forgotten = scene.healthy.count();
        scene.cluster().stop(Stop::Immediate);
        standby.promote().await;
        scene.lead_to(standby);
        scene.stream.begin();
        until_within(Duration::from_secs(60), "something new arrives", async || {
            (scene.healthy.count() > forgotten).then_some(())
        })
        .await;
    }
    .boxed_local()
}
