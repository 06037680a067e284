//! What runs out: the disk, files, memory, the right to write.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use reqwest::Method;
use ringback_tests::{api::emit_request, command::ringback, disk::set_immutable, stores::Store, until::until};
use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    row::{Place, Row, TAKEOVER},
    stage::{IN_FLIGHT_ALL, Scene},
};

/// Longer than a node that cannot write is called ready.
const FULL: Duration = Duration::from_secs(14);

/// In MiB. SQLite's log may grow to 16 before it is copied into the database, so that a smaller disk is full without a fault;
/// a fresh cluster takes about 70, and its log up to 64.
const DISK_OF_SQLITE: u32 = 48;
const DISK_OF_POSTGRES: u32 = 220;

/// Connections of people who say nothing, more than the node may have files.
const SILENT: usize = 150;
const FEW_FILES: &[&str] = &["--nofile=128"];

/// Memory, in bytes; and what a node may be told of it, in bytes of bodies, so that it can keep to it: a body lies in memory
/// up to three times while it is written down, and a node at rest takes 25 to 40 MB. What is left is for the threads of a
/// machine with more cores; a process that is not told has bodies of twice as much to bear.
const LITTLE_MEMORY: &[&str] = &["--data=200000000"];
const KEEPS_TO_IT: &[(&str, &str)] = &[("max_request_memory", "30000000")];

/// Requests of a mebibyte each at a time.
const LARGE: usize = 250;

pub(crate) fn rows() -> Vec<Row> {
    let [postgres, sqlite] = Row::on_both("full_disk", full_disk).map(Row::slow);
    let mut rows = vec![postgres.at(Place::SmallDisk(DISK_OF_POSTGRES)), sqlite.at(Place::SmallDisk(DISK_OF_SQLITE))];
    rows.extend(Row::on_both("few_files", few_files).map(|row| row.limits(FEW_FILES)));
    rows.push(
        Row::new("read_only_after_a_crash", Store::Sqlite, read_only_after_a_crash)
            .at(Place::SmallDisk(DISK_OF_SQLITE))
            .duplicates(IN_FLIGHT_ALL * 2, "delivered and not recorded when the process was killed"),
    );
    rows.push(
        Row::new("read_only_for_a_while", Store::Sqlite, read_only_for_a_while).at(Place::Ext4(DISK_OF_SQLITE)).slow(),
    );
    let limited = |row: Row| row.limits(LITTLE_MEMORY);
    rows.extend(Row::on_both("little_memory", little_memory).map(limited).map(|row| row.keys(KEEPS_TO_IT)));
    rows.extend(Row::on_both("out_of_memory", out_of_memory).map(limited).map(Row::slow).map(|row| {
        row.duplicates(IN_FLIGHT_ALL * 2, "delivered and not recorded when the process ended")
            .latest(TAKEOVER, "the lease of the dead node ends first")
    }));
    rows
}

fn full_disk(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        scene.disk.as_ref().expect("it lies on a small one").fill();
        scene.pass(FULL).await;
        let status = scene.ask_readiness().await;
        assert_eq!(status, 503, "/readyz on a full disk");
        scene.disk.as_ref().expect("it lies on a small one").free();
        if scene.database.store() == Store::Postgres {
            // A server that could not write its log has ended itself.
            scene.cluster().go_on().await;
        }
    }
    .boxed_local()
}

/// The disk lets nobody write when the node that was killed is started again: that ends at once and says why.
fn read_only_after_a_crash(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        // First, for somebody who asks until he is told is told only while there is a node.
        scene.pause().await;
        scene.stream.burst(40).await;
        scene.kill_only_node().await;
        let disk = |scene: &Scene, is_read_only| {
            scene.disk.as_ref().expect("it lies on a small one").set_read_only(is_read_only).ok()
        };
        until("nobody writes any more", async || disk(scene, true)).await;
        scene.stream.begin();
        let refused = ringback(&scene.database, &["serve", "--bind", "127.0.0.1:0"]).await;
        assert_eq!(refused.code, 1, "{}", refused.err);
        let why = refused.err.lines().find(|line| line.starts_with("error: ")).expect("it says why").to_owned();
        assert!(why.contains("ringback.db") && why.to_lowercase().contains("read-only"), "{why}");
        scene.seen.push(format!("serve: {why}"));
        scene.pass(Duration::from_secs(1)).await;
        disk(scene, false).expect("it can be written again");
        scene.start_node().await;
    }
    .boxed_local()
}

/// The file and its log let nobody write, not even the node that has them open. It keeps what it cannot write down, says that
/// it is not ready, and goes on by itself once it may write again.
fn read_only_for_a_while(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let folder = scene.database.folder();
        let files = ["ringback.db", "ringback.db-wal"].map(|name| folder.join(name));
        let files = files.each_ref().map(|file| file.as_path());
        set_immutable(&files, true).expect("the file system can do that");
        scene.pass(FULL).await;
        let status = scene.ask_readiness().await;
        let told = scene.seen.last().expect("it was noted down");
        assert!(status == 503 && told.contains("ringback.db") && told.contains("readonly"), "{told}");
        set_immutable(&files, false).expect("the file system can do that");
    }
    .boxed_local()
}

fn few_files(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        let address = scene.nodes[0].api.base().trim_start_matches("http://").to_owned();
        let mut silent = Vec::new();
        for _ in 0..SILENT {
            silent.extend(TcpStream::connect(&address).await);
        }
        scene.stream.burst(40).await;
        scene.pass(Duration::from_secs(4)).await;
        drop(silent);
    }
    .boxed_local()
}

/// More is sent at a time than fits: what the node was told to keep to is answered, and the rest refused.
fn little_memory(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        ask_for_much(scene).await;
        assert!(scene.nodes[0].is_running(), "it keeps to what it was told");
    }
    .boxed_local()
}

/// The same of a node that believes to have more: it ends as if killed, and is started again.
fn out_of_memory(scene: &mut Scene) -> LocalBoxFuture<'_, ()> {
    async {
        ask_for_much(scene).await;
        until("the process ends", async || (!scene.nodes[0].is_running()).then_some(())).await;
        scene.kill_only_node().await;
        scene.start_node().await;
    }
    .boxed_local()
}

async fn ask_for_much(scene: &mut Scene) {
    let payload = format!("\"{}\"", "x".repeat(1_000_000));
    let body = emit_request("nobody.wants.it", payload.as_bytes(), &json!({}));
    let api = scene.nodes[0].api.clone();
    let ask = |body: Bytes| api.ask(Method::POST, "/v1/events", Some(body));
    let answers = futures_util::future::join_all((0..LARGE).map(|_| ask(body.clone()))).await;
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for answer in answers {
        let status = answer.map_or_else(|_| "not at all".to_owned(), |answer| answer.status.as_u16().to_string());
        *count.entry(status).or_default() += 1;
    }
    let told: Vec<_> = count.iter().map(|(status, times)| format!("{times} {status}")).collect();
    scene.seen.push(format!("{LARGE} requests of 1 MB were answered: {}", told.join(", ")));
}
