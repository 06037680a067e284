//! Promise 4, in time: what becomes visible behind all that a node has read, because its commit took long, is found within
//! moments; also when the node has just waited for a database that was away.

use std::time::Duration;

use ringback_tests::{
    cluster::{Cluster, Stop},
    database::Database,
    receiver::{Receiver, Reply},
    server::Serve,
    until::until_within,
};
use serde_json::json;

/// How long the database is away: less than a lease, so that nothing is read from the beginning afterwards.
const AWAY: Duration = Duration::from_secs(4);

/// How long the commit takes: longer than the front of the feed stays behind, and shorter than it steps back.
const COMMIT_TOOK: Duration = Duration::from_secs(3);

/// The front steps back every second; had the wait for the database made that rarer, it would do so after five.
const FOUND_WITHIN: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_late_is_found_within_moments_also_when_the_database_has_just_been_away() {
    let mut cluster = Cluster::start().await;
    let database = Database::of(&cluster);
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::scripted(|request| Reply::status(if request.index == 0 { 500 } else { 204 })).await;
    // It fails once, and is due again long after the test.
    let retry = json!({"max_attempts": 2, "delays_ms": [3_600_000], "jitter": 0.0});
    server.api.endpoint(json!({"url": receiver.url(), "event_types": ["late"], "retry": retry})).await;
    let event = server.api.emit("late", b"{}", json!({})).await;
    let delivery = server.api.delivery_of(&event).await;
    server.api.delivery_when(&delivery, "it has failed once", |it| it["attempt_count"] == 1).await;
    let healthy = Receiver::healthy().await;
    server.api.endpoint(json!({"url": healthy.url(), "event_types": ["call.ended"]})).await;

    cluster.stop(Stop::Fast);
    tokio::time::sleep(AWAY).await;
    cluster.go_on().await;
    database.emit(&ringback::event::NewEvent::new("call.ended", "{}")).await;
    healthy.wait_for(1).await;
    // As a commit does that has taken long: it becomes visible, and has been due for some time.
    let due = format!("set due_at = ringback.clock() - {}", COMMIT_TOOK.as_micros());
    database.tamper("delivery", &format!("{due} where id = {}", database.id_literal(&delivery))).await;
    until_within(FOUND_WITHIN, "it is sent", async || (receiver.count() == 2).then_some(())).await;
    server.api.delivery_with_status(&delivery, "delivered").await;
    assert!(!server.log().contains("registering again"), "it has held its lease all the while: {}", server.log());
}
