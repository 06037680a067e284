//! What befalls the database's server: it is stopped, killed, away.

use std::time::Duration;

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ringback_tests::{cluster::Stop, stores::Store};

use crate::{
    row::{AT_ONCE, Place, Row},
    stage::Scene,
};

/// How long a server that was stopped is away: less than a lease.
const AWAY: Duration = Duration::from_secs(3);

pub(crate) fn rows() -> Vec<Row> {
    let stopped: [(&str, crate::row::Fault); 3] = [
        ("database_stopped", stopped_fast),
        ("database_stopped_at_once", stopped_immediate),
        ("database_killed", killed),
    ];
    stopped.map(|(name, fault)| Row::new(name, Store::Postgres, fault).at(Place::Own)).to_vec()
}

fn stopped_fast(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    away(scene, Stop::Fast, AWAY).boxed_local()
}

fn stopped_immediate(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    away(scene, Stop::Immediate, AWAY).boxed_local()
}

fn killed(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    away(scene, Stop::Kill, AWAY).boxed_local()
}

async fn away(scene: &mut Scene, how: Stop, time: Duration) {
    scene.stream.burst(40).await;
    scene.cluster().stop(how);
    scene.pass(time).await;
    scene.cluster().go_on().await;
}
