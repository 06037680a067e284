//! Promise 12: pause, resume, expunge, deletion and every change of an endpoint or token reach every node within a second.

use std::time::Duration;

use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    fleet::{Fleet, Lane, PROMISED, is_probe},
    on_both_stores,
    receiver::{Arrived, Gate, Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Between two tries of the same delivery: what should have stopped shows itself at this rate.
const AGAIN_MS: u64 = 150;

/// For how long receivers are watched after a change must have been obeyed: some tries.
const WATCHED: Duration = Duration::from_millis(700);

/// What an operator changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Pause,
    Resume,
    Disable,
    Delete,
    Expunge,
    Url,
    Secret,
    Rate,
    Timeout,
    /// Nothing: its lanes show that the others would have gone on.
    None,
}

impl Change {
    const ALL: [Self; 10] = [
        Self::Pause,
        Self::Resume,
        Self::Disable,
        Self::Delete,
        Self::Expunge,
        Self::Url,
        Self::Secret,
        Self::Rate,
        Self::Timeout,
        Self::None,
    ];

    /// Makes it for one endpoint, which is being sent `event`.
    async fn make(self, api: &Api, lane: &Lane, event: &str) {
        let endpoint = format!("/v1/endpoints/{}", lane.id);
        let patch = match self {
            Self::Pause => return drop(api.post(&format!("{endpoint}/pause"), &json!({})).await.expect(200)),
            Self::Resume => return drop(api.post(&format!("{endpoint}/resume"), &json!({})).await.expect(200)),
            Self::Delete => return drop(api.delete(&endpoint).await.expect(204)),
            Self::Expunge => return drop(api.delete(&format!("/v1/events/{event}/payload")).await.expect(204)),
            Self::None => return,
            Self::Disable => json!({"enabled": false}),
            Self::Url => {
                let document = api.get(&endpoint).await.expect(200);
                json!({"url": format!("{}/moved", document["url"].as_str().expect("a URL"))})
            }
            Self::Secret => json!({"secret": "another secret than before"}),
            Self::Rate => json!({"rate_per_second": 1.0}),
            Self::Timeout => json!({"timeout_ms": 100}),
        };
        api.patch(&endpoint, &patch).await.expect(200);
    }

    /// Whether a request that comes after the change is as the change wants it. `signed_before` is the signature of the
    /// same body under the old secret.
    fn allows(self, request: &Arrived, signed_before: &str) -> bool {
        match self {
            Self::Pause | Self::Disable | Self::Delete | Self::Expunge => false,
            Self::Url => request.path.ends_with("/moved"),
            Self::Secret => request.header("x-hub-signature-256") != signed_before,
            Self::Resume | Self::Rate | Self::Timeout | Self::None => true,
        }
    }
}

/// Lanes of every node in which the same delivery is tried again and again, and the change that they wait for.
struct Row {
    change: Change,
    receiver: Receiver,
    lanes: Vec<Lane>,
    event: String,
}

impl Row {
    async fn of(fleet: &Fleet, change: Change) -> Self {
        let receiver = Receiver::healthy().await;
        let event_type = format!("{change:?}");
        let fields = json!({
            "event_types": [event_type], "scheme": "github", "secret": "the secret of the beginning", "timeout_ms": 60_000,
            "retry": {"max_attempts": 100, "delays_ms": [AGAIN_MS], "jitter": 0.0},
        });
        let lanes = fleet.lanes_at(&receiver, &fields).await;
        receiver.answer(|_| Reply::status(500));
        if change == Change::Resume {
            for lane in &lanes {
                Change::Pause.make(fleet.first(), lane, "").await;
            }
        }
        Self { change, receiver, lanes, event: String::new() }
    }

    async fn begin(&mut self, fleet: &Fleet) {
        self.event = fleet.first().emit(&format!("{:?}", self.change), b"{}", json!({})).await;
    }

    async fn begun(&self) {
        let sends = |lane: &Lane| self.change == Change::Resume || self.sent(lane).len() >= 2;
        until("every lane sends", async || self.lanes.iter().all(sends).then_some(())).await;
    }

    fn sent(&self, lane: &Lane) -> Vec<Arrived> {
        let of_lane = |request: &Arrived| request.path.starts_with(&lane.path) && !is_probe(request);
        self.receiver.arrived().into_iter().filter(of_lane).collect()
    }

    /// Makes the change for every lane, through this node and that by turns; returns when the last was answered.
    async fn change(&self, fleet: &Fleet) -> Instant {
        for (turn, lane) in self.lanes.iter().enumerate() {
            self.change.make(fleet.by_turns(turn), lane, &self.event).await;
        }
        Instant::now()
    }

    /// What each lane was sent between `obeyed` and `seen` is what its change allows.
    fn was_sent_rightly(&self, obeyed: Instant, seen: Instant) {
        for lane in &self.lanes {
            let sent = self.sent(lane);
            let before = sent.first().map_or("", |request| request.header("x-hub-signature-256"));
            let after: Vec<_> = sent.iter().filter(|it| it.at > obeyed && it.at <= seen).collect();
            let wrong: Vec<_> = after.iter().filter(|request| !self.change.allows(request, before)).collect();
            assert!(wrong.is_empty(), "{:?} is not obeyed: {wrong:#?}", self.change);
            let (least, most) = match self.change {
                Change::Pause | Change::Disable | Change::Delete | Change::Expunge => (0, 0),
                // One at once, and one in each second that has begun.
                Change::Rate => (0, 2 + (seen - obeyed).as_secs() as usize),
                Change::Url | Change::Secret | Change::Timeout | Change::Resume | Change::None => (1, usize::MAX),
            };
            assert!((least..=most).contains(&after.len()), "{:?}: {} requests", self.change, after.len());
            if self.change == Change::Resume {
                assert!(sent[0].at <= obeyed, "it resumed {:?} after it should", sent[0].at - obeyed);
            }
        }
    }
}

/// Attempts that the new time-out ended, in every lane.
async fn time_outs_of_every_lane(fleet: &Fleet, row: &Row) {
    // Nobody answers now: an attempt of a node that knows the old time-out is open for a minute.
    let gate = Gate::closed();
    row.receiver.answer(move |_| Reply::status(204).behind(&gate));
    for delivery in fleet.last().deliveries_of(&row.event).await {
        let timed_out =
            |it: &Value| it["attempts"].as_array().is_some_and(|all| all.iter().any(|it| it["error"] == "timeout"));
        let delivery = fleet.last().delivery_when(&id_of(&delivery), "it timed out", timed_out).await;
        let attempts = delivery["attempts"].as_array().expect("attempts").iter().filter(|it| it["error"] == "timeout");
        for attempt in attempts {
            assert!(attempt["duration_ms"].as_f64().is_some_and(|took| took < 30_000.0), "{attempt}");
        }
    }
}

on_both_stores! {
    async fn every_change_of_an_endpoint_is_obeyed_by_every_node_within_a_second(store: Store) {
        let database = Database::fresh(store).await;
        let fleet = Fleet::on(&database).await;
        let mut rows = Vec::new();
        for change in Change::ALL {
            rows.push(Row::of(&fleet, change).await);
        }
        fleet.reached().await;
        for row in &mut rows {
            row.begin(&fleet).await;
        }
        for row in &rows {
            row.begun().await;
        }
        let answered = futures_util::future::join_all(rows.iter().map(|row| row.change(&fleet))).await;
        let slack = fleet.slack().await;
        let last = *answered.iter().max().expect("some");
        let seen = last + PROMISED + slack + WATCHED;
        tokio::time::sleep_until(seen).await;
        for (row, answered) in rows.iter().zip(answered) {
            row.was_sent_rightly(answered + PROMISED + slack, seen);
        }
        let timeout = rows.iter().find(|row| row.change == Change::Timeout).expect("a row");
        time_outs_of_every_lane(&fleet, timeout).await;
    }

    async fn a_revoked_token_opens_no_node_within_a_second(store: Store) {
        let database = Database::fresh(store).await;
        let fleet = Fleet::on(&database).await;
        let token = ringback(&database, &["token", "create", "--scope", "read"]).await.done();
        let listed = ringback(&database, &["token", "list", "--json"]).await.json();
        let with_token = |api: &Api| api.with_token(token.trim());
        for api in fleet.all() {
            with_token(api).get("/v1/events").await.expect(200);
        }
        let _ = ringback(&database, &["token", "revoke", &id_of(&listed["items"][0])]).await.done();
        fleet.reached().await;
        for api in fleet.all() {
            with_token(api).get("/v1/events").await.expect(401);
        }
    }

    async fn what_a_pause_held_is_sent_after_the_resume_and_being_held_is_no_attempt(store: Store) {
        let database = Database::fresh(store).await;
        let fleet = Fleet::on(&database).await;
        let receiver = Receiver::healthy().await;
        let lanes = fleet.lanes_at(&receiver, &json!({"event_types": ["call.ended"]})).await;
        for lane in &lanes {
            Change::Pause.make(fleet.first(), lane, "").await;
        }
        let event = fleet.last().emit("call.ended", b"{}", json!({})).await;
        let deliveries = fleet.first().deliveries_of(&event).await;
        assert_eq!(deliveries.len(), lanes.len(), "a paused endpoint still gets its deliveries");
        for delivery in &deliveries {
            let held = |it: &Value| it["hold_reason"] == "paused" && it["status"] == "pending";
            fleet.first().delivery_when(&id_of(delivery), "it is held", held).await;
        }
        for lane in &lanes {
            Change::Resume.make(fleet.last(), lane, "").await;
        }
        let requests = fleet.arrived_when_settled(&receiver).await;
        assert_eq!(requests.len(), lanes.len());
        assert!(requests.iter().all(|request| request.id() == event));
        let delivery = fleet.first().delivery_with_status(&id_of(&deliveries[0]), "delivered").await;
        assert_eq!(delivery["attempt_count"], 1, "being held is no attempt");
    }

    async fn a_receiver_that_says_gone_is_left_alone_until_it_is_enabled_again(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::answering(410).await;
        let server = Serve::on(&database).start().await;
        let endpoint = server.api.endpoint_at(&receiver.url()).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        server.api.delivery_when(&id, "it is held", |it| it["hold_reason"] == "endpoint_disabled").await;
        let document = server.api.get(&format!("/v1/endpoints/{endpoint}")).await.expect(200);
        assert_eq!((&document["enabled"], &document["disabled_reason"]), (&json!(false), &json!("gone")));
        assert_eq!(receiver.count(), 1);

        receiver.answer(|_| Reply::status(204));
        server.api.patch(&format!("/v1/endpoints/{endpoint}"), &json!({"enabled": true})).await.expect(200);
        server.api.delivery_with_status(&id, "delivered").await;
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 2);
    }

    async fn a_late_gone_of_the_old_url_does_not_disable_the_endpoint_that_was_given_another(store: Store) {
        let database = Database::fresh(store).await;
        let gate = Gate::closed();
        let closed = gate.clone();
        let old = Receiver::scripted(move |_| Reply::status(410).behind(&closed)).await;
        let new = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        let endpoint = server.api.endpoint_at(&old.url()).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        old.wait_for(1).await;
        server.api.patch(&format!("/v1/endpoints/{endpoint}"), &json!({"url": new.url()})).await.expect(200);
        gate.open();
        server.api.delivery_with_status(&id, "delivered").await;
        let document = server.api.get(&format!("/v1/endpoints/{endpoint}")).await.expect(200);
        assert_eq!(document["enabled"], json!(true));
        server.api.settled().await;
        assert_eq!((old.count(), new.count()), (1, 1));
    }
}
