//! Promise 12, for what was taken back: an expunged event, a cancelled replay, a discarded dead letter. It may wait in the
//! memory of any node, about to be sent.

use ringback_tests::{
    api::{count, id_of},
    database::Database,
    fleet::{Fleet, Lane},
    on_both_stores,
    receiver::{Arrived, Gate, Receiver, Reply},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

/// Events behind the one that fills its lane: a few rounds of it, so that some are read ahead.
const BEHIND: usize = 6;

/// Dead letters of a replay, and how many of them are sent in a second.
const LETTERS: usize = 40;
const RATE: usize = 10;

/// Lanes whose receiver fails, and as many dead letters of theirs; from then on it answers 204.
async fn dead_letters(fleet: &Fleet, receiver: &Receiver) -> Vec<Lane> {
    let once = json!({"max_attempts": 1});
    let lanes = fleet.lanes_at(receiver, &json!({"event_types": ["call.ended"], "retry": once})).await;
    receiver.answer(|_| Reply::status(500));
    let events = vec![json!({"type": "call.ended", "payload": {}}); LETTERS / lanes.len()];
    fleet.first().post("/v1/events/batch", &json!({"events": events})).await.expect(202);
    fleet.first().settled().await;
    receiver.answer(|_| Reply::status(204));
    lanes
}

/// Whether a request is part of a replay, whichever node sent it.
fn is_replay(request: &Arrived) -> bool {
    ["node0-replay", "node1-replay"].iter().any(|name| !request.header(name).is_empty())
}

on_both_stores! {
    async fn an_expunged_event_is_not_sent_by_a_node_that_has_it_in_memory(store: Store) {
        let database = Database::fresh(store).await;
        let fleet = Fleet::on(&database).await;
        let receiver = Receiver::healthy().await;
        let fields = json!({"event_types": ["call.ended"], "max_in_flight": 1, "timeout_ms": 60_000});
        let lanes = fleet.lanes_at(&receiver, &fields).await;
        let gate = Gate::closed();
        let closed = gate.clone();
        receiver.answer(move |_| Reply::status(204).behind(&closed));
        let first = fleet.first().emit("call.ended", b"{}", json!({})).await;
        until("every lane is full", async || (receiver.open() == lanes.len()).then_some(())).await;
        let mut expunged = Vec::new();
        for turn in 0..BEHIND {
            expunged.push(fleet.by_turns(turn).emit("call.ended", b"{}", json!({})).await);
        }
        let last = expunged.last().expect("some");
        assert_eq!(fleet.last().deliveries_of(last).await.len(), lanes.len());
        // Every node has read what is due, and ahead.
        fleet.reached().await;

        for (turn, event) in expunged.iter().enumerate() {
            fleet.by_turns(turn).delete(&format!("/v1/events/{event}/payload")).await.expect(204);
        }
        fleet.reached().await;
        gate.open();
        let next = fleet.first().emit("call.ended", b"{}", json!({})).await;
        let requests = fleet.arrived_when_settled(&receiver).await;
        for lane in &lanes {
            let ids: Vec<_> = requests.iter().filter(|it| it.path == lane.path).map(Arrived::id).collect();
            assert_eq!(ids, [&first, &next]);
        }
        let ledger = fleet.first().settled().await;
        assert_eq!(ledger["deliveries"]["cancelled"], BEHIND * lanes.len(), "{ledger}");
    }

    async fn a_replay_that_any_node_cancels_releases_nothing_more(store: Store) {
        let database = Database::fresh(store).await;
        let fleet = Fleet::on(&database).await;
        let receiver = Receiver::healthy().await;
        dead_letters(&fleet, &receiver).await;
        let mut released = 0;
        // One node releases. Whichever it is, the other one cancels in one of two rounds.
        for (turn, api) in fleet.all().enumerate() {
            let replay = json!({"filter": {"status": "dead"}, "rate_per_second": RATE});
            let replay = id_of(&fleet.first().post("/v1/replays", &replay).await.expect(202));
            let replays = || receiver.arrived().iter().filter(|request| is_replay(request)).count();
            let before = replays();
            until("some of it is sent", async || (replays() > before + 2).then_some(())).await;
            let cancelled = api.post(&format!("/v1/replays/{replay}/cancel"), &json!({})).await.expect(200);
            assert!(count(&cancelled["remaining"]) > 0, "it was cancelled in the middle: {cancelled}");
            released += count(&cancelled["released"]);
            fleet.reached().await;
            for api in fleet.all() {
                let replay = api.get(&format!("/v1/replays/{replay}")).await.expect(200);
                let [state, released] = ["state", "released"].map(|field| replay[field].clone());
                assert_eq!((state, released), (json!("cancelled"), cancelled["released"].clone()), "round {turn}");
            }
        }
        let requests = fleet.arrived_when_settled(&receiver).await;
        let replayed = requests.iter().filter(|request| is_replay(request)).count();
        assert_eq!(replayed as i64, released, "what was released is sent, and nothing else");
    }

    async fn a_dead_letter_that_any_node_discards_is_not_sent_by_a_replay_that_runs(store: Store) {
        let database = Database::fresh(store).await;
        let fleet = Fleet::on(&database).await;
        let receiver = Receiver::healthy().await;
        let lanes = dead_letters(&fleet, &receiver).await;
        let all = LETTERS / lanes.len() * lanes.len();
        // They are released in the order of their events, which is not quite the order in which they died.
        let letters = fleet.last().get("/v1/dead-letters?limit=1000").await.expect(200);
        let mut letters: Vec<Value> = letters["items"].as_array().expect("a list").clone();
        letters.sort_by_key(id_of);
        let discarded = letters.split_off(letters.len() - 10);
        let replay = json!({"filter": {"status": "dead"}, "rate_per_second": RATE});
        let replay = id_of(&fleet.first().post("/v1/replays", &replay).await.expect(202));
        for (turn, letter) in discarded.iter().enumerate() {
            fleet.by_turns(turn).delete(&format!("/v1/dead-letters/{}", id_of(letter))).await.expect(204);
        }
        until("the replay is over", async || {
            let replay = fleet.first().get(&format!("/v1/replays/{replay}")).await.expect(200);
            (replay["state"] == "completed").then_some(())
        })
        .await;
        let requests = fleet.arrived_when_settled(&receiver).await;
        let replayed: Vec<_> = requests.iter().filter(|request| is_replay(request)).collect();
        assert_eq!(replayed.len(), all - discarded.len());
        let told = fleet.last().get(&format!("/v1/replays/{replay}")).await.expect(200);
        assert_eq!((&told["skipped"], &told["released"]), (&json!(discarded.len()), &json!(all - discarded.len())), "{told}");
        for letter in &discarded {
            let of_letter = |it: &&&Arrived| letter["event_id"] == it.id() && lanes.iter().any(|lane| letter["endpoint_id"] == lane.id && it.path == lane.path);
            assert_eq!(replayed.iter().filter(of_letter).count(), 0, "{letter}");
        }
    }
}
