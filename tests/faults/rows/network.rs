//! What befalls the way to the database.

use std::time::Duration;

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::{command::ringback, pgbouncer::Pgbouncer, stores::Store};

use crate::{
    row::{Place, Row},
    stage::{IN_FLIGHT_ALL, Scene},
};

/// A connection that hangs is given up after a lease, and there may be one behind another.
const GIVEN_UP: Duration = Duration::from_secs(45);

pub(crate) fn rows() -> Vec<Row> {
    use Store::Postgres;
    vec![
        Row::new("connections_frozen", Postgres, connections_frozen)
            .at(Place::Own)
            .slow()
            .latest(GIVEN_UP, "connections that say nothing are given up after a lease"),
        Row::new("network_gone_for_20_s", Postgres, network_gone)
            .at(Place::Own)
            .slow()
            .duplicates(IN_FLIGHT_ALL * 2, "the lease ended before their outcomes could be recorded")
            .latest(GIVEN_UP, "connections that say nothing are given up after a lease"),
        Row::new("pgbouncer_by_session", Postgres, sessions_cut).at(Place::Bouncer("session")),
        Row::new("pgbouncer_by_transaction", Postgres, refused_by_transaction).goes_on_meanwhile(),
    ]
}

/// A firewall forgets all connections; nobody is told.
fn connections_frozen(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.burst(40).await;
        scene.wire.as_ref().expect("the database is at the end of a wire").forget_connections();
        scene.ends();
        scene.pass(GIVEN_UP / 2).await;
    }
    .boxed_local()
}

/// Longer than a lease, neither old connections nor new ones carry anything.
fn network_gone(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.burst(40).await;
        let wire = scene.wire.as_ref().expect("the database is at the end of a wire");
        wire.cut();
        scene.pass(Duration::from_secs(20)).await;
        wire.mend();
        scene.ends();
        scene.pass(Duration::from_secs(20)).await;
    }
    .boxed_local()
}

fn sessions_cut(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.stream.burst(40).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::raw_sql(cut).execute(&mut scene.database.postgres().await).await.expect("cut");
    }
    .boxed_local()
}

/// A second node by way of a PgBouncer that mixes sessions up is refused, and disturbs nobody.
fn refused_by_transaction(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let proxy = Pgbouncer::before(&scene.database, "transaction").await;
        let serve = ["serve", "--database-url", proxy.url(), "--bind", "127.0.0.1:0"];
        let refused = ringback(&scene.database, &serve).await;
        assert_eq!(refused.code, 1, "{}", refused.err);
        let why =
            refused.err.lines().find(|line| line.contains("pools by transaction")).expect("it says why").to_owned();
        scene.seen.push(format!("serve: {why}"));
    }
    .boxed_local()
}
