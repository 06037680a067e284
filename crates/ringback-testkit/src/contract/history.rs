//! Figures over time, and what is known of the receivers of endpoints.

use std::{collections::BTreeMap, time::Duration};

use ringback::{
    attempt::{Attempt, ErrorClass},
    delivery::{HoldReason, LaneId},
    endpoint::StoredEndpoint,
    id::EndpointId,
    store::{
        Figures, FiguresPart, Hold, LastFailure, MINUTE, MinuteOf, Pulse, ReplayOf, Retention, Step, Store, Subject,
        Vitals,
    },
    time::Timestamp,
};
use uuid::Uuid;

use super::given;

/// The beginning of the present minute, by the store's clock.
async fn this_minute(store: &dyn Store) -> Timestamp {
    let now = store.clock().await.unwrap().seconds();
    Timestamp::from_millis((now - now % 60) * 1_000)
}

fn figures(attempts: &[Attempt]) -> Figures {
    let mut figures = Figures::default();
    attempts.iter().for_each(|attempt| figures.add_attempt(attempt));
    figures
}

fn part(minutes: Vec<MinuteOf>) -> FiguresPart {
    FiguresPart { id: Uuid::now_v7(), minutes, pulses: Vec::new() }
}

async fn all(store: &dyn Store, subject: &Subject) -> Vec<(Timestamp, Figures)> {
    let (begin, end) = (Timestamp::from_micros(0), Timestamp::from_micros(i64::MAX));
    store.read_figures(subject, begin, end, 1_000).await.unwrap()
}

/// Name by name, whoever adds them; each part once, however often it is sent.
pub async fn figures_of_several_nodes_add_up(store: &dyn Store) {
    let at = this_minute(store).await;
    let subjects =
        [Subject::All, Subject::Tenant("acme".to_owned()), Subject::Endpoint("acme".to_owned(), given::endpoint_id())];
    let timeout = Attempt { error: Some(ErrorClass::Timeout), status: None, ..given::failure(2) };
    let (one, other) = (figures(&[given::success(1), timeout.clone()]), figures(&[timeout, given::failure(1)]));
    for figures in [&one, &other] {
        let of = |subject: &Subject| MinuteOf { subject: subject.clone(), at, figures: figures.clone() };
        let part = part(subjects.iter().map(of).collect());
        store.add_figures(&part).await.unwrap();
        store.add_figures(&part).await.unwrap();
    }
    let mut both = one.clone();
    both.merge(&other);
    assert_eq!(both.errors, BTreeMap::from([("status".to_owned(), 1), ("timeout".to_owned(), 2)]));
    for subject in &subjects {
        assert_eq!(all(store, subject).await, [(at, both.clone())], "{subject:?}");
    }
    assert_eq!(all(store, &Subject::Tenant("other".to_owned())).await, []);
}

/// In order of time, from one minute on and before another, at most so many.
pub async fn figures_are_read_by_time(store: &dyn Store) {
    let (first, subject) = (this_minute(store).await, Subject::Tenant("acme".to_owned()));
    let minute = |number: u32| MinuteOf {
        subject: subject.clone(),
        at: first + MINUTE * number,
        figures: figures(&[given::success(1)]),
    };
    store.add_figures(&part([3, 0, 2, 1].map(minute).to_vec())).await.unwrap();
    let read = async |from: u32, until: u32, limit| {
        let minutes = store.read_figures(&subject, first + MINUTE * from, first + MINUTE * until, limit).await.unwrap();
        minutes.into_iter().map(|(at, _)| at.since(first).as_secs() / 60).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 9, 100).await, [0, 1, 2, 3]);
    assert_eq!(read(1, 3, 100).await, [1, 2]);
    assert_eq!(read(1, 9, 2).await, [1, 2]);
}

/// In the figures of the endpoint, of its tenant, and of everything, without any attempt.
pub async fn what_expires_is_counted_as_dead(store: &dyn Store) {
    let paused = given::create(store, &StoredEndpoint { paused: true, ..given::endpoint() }).await;
    for _ in 0..2 {
        given::accept(store, given::event_to(&[paused.id])).await;
    }
    while store.expire_held(Duration::ZERO).await.unwrap() > 0 {}
    for subject in
        [Subject::All, Subject::Tenant("default".to_owned()), Subject::Endpoint("default".to_owned(), paused.id)]
    {
        let told = all(store, &subject).await;
        let dead: u64 = told.iter().map(|(_, figures)| figures.dead).sum();
        assert_eq!(dead, 2, "{subject:?}");
        assert!(told.iter().all(|(_, figures)| figures.delivered + figures.failed == 0));
    }
}

/// A run of successes or failures goes on from one part to the next, until the other comes.
pub async fn the_pulse_of_a_receiver_goes_on(store: &dyn Store) {
    let endpoint = given::endpoint_id();
    let begin = this_minute(store).await;
    let at = |seconds: u64, attempt: Attempt| Attempt { at: begin + Duration::from_secs(seconds), ..attempt };
    let add = async |attempts: &[Attempt]| {
        let mut pulse = Pulse::default();
        attempts.iter().for_each(|attempt| pulse.add_attempt(attempt));
        let pulses = vec![(endpoint, pulse)];
        store.add_figures(&FiguresPart { id: Uuid::now_v7(), minutes: Vec::new(), pulses }).await.unwrap();
    };
    let told = async || store.vitals(&[endpoint], 10).await.unwrap().remove(0).pulse;
    assert_eq!(told().await, Pulse::default());
    add(&[at(1, given::success(1))]).await;
    add(&[at(2, given::success(1))]).await;
    let moment = |seconds| Some(begin + Duration::from_secs(seconds));
    let good = Pulse { last_success_at: moment(2), succeeding_since: moment(1), ..Pulse::default() };
    assert_eq!(told().await, good);
    add(&[at(3, given::failure(1)), at(4, given::success(1)), at(5, given::failure(1))]).await;
    add(&[at(6, given::failure(1))]).await;
    let last = |seconds| {
        Some(LastFailure {
            at: begin + Duration::from_secs(seconds),
            error: Some(ErrorClass::Status),
            status: Some(500),
        })
    };
    let bad =
        Pulse { last_success_at: moment(4), last_failure: last(6), succeeding_since: None, failing_since: moment(5) };
    assert_eq!(told().await, bad);
    let failing = async |seconds| store.failing_endpoints(begin + Duration::from_secs(seconds), 10).await.unwrap();
    assert_eq!((failing(6).await, failing(7).await), (vec![endpoint], vec![]));
    add(&[at(7, given::success(1))]).await;
    assert_eq!(failing(0).await, []);
    let again =
        Pulse { last_success_at: moment(7), last_failure: last(6), succeeding_since: moment(7), failing_since: None };
    assert_eq!(told().await, again);
}

/// In the order in which they are given: what is pending, replays of delivered ones aside, and a hold that has not ended.
pub async fn vitals_tell_of_each_endpoint_what_waits_and_what_holds_it(store: &dyn Store) {
    let [busy, held, idle] = [given::endpoint_id(), given::endpoint_id(), given::endpoint_id()];
    let first = given::accept_due(store, given::event_to(&[busy, held])).await.remove(0);
    for _ in 0..3 {
        given::accept(store, given::event_to(&[busy])).await;
    }
    let replayed = given::accept_due(store, given::event_to(&[busy])).await.remove(0);
    assert!(given::record(store, given::delivered(&replayed)).await);
    store.replay_one(replayed.id, ReplayOf::Either, &given::asked()).await.unwrap();
    let until = store.clock().await.unwrap() + Duration::from_secs(3_600);
    let (lane, node) = (LaneId::of_endpoint(held), given::owner(store).await);
    store.set_holds(node, &[Hold { lane, until, reason: HoldReason::Failing, streak: 1 }]).await.unwrap();
    let told = store.vitals(&[idle, held, busy], 100).await.unwrap();
    let [none, on_hold, waiting] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(*none, Vitals::default());
    assert_eq!((waiting.pending, waiting.oldest_due_at, waiting.hold), (4, Some(first.due_at), None));
    assert_eq!(on_hold.pending, 1);
    assert!(on_hold.hold.is_some_and(|hold| hold.reason == HoldReason::Failing && hold.until == until), "{on_hold:?}");
    assert_eq!(store.vitals(&[busy], 3).await.unwrap().remove(0).pending, 3, "counting stops there");
    assert_eq!(store.vitals(&[], 3).await.unwrap(), []);
}

/// Those beyond their retention, and those of deleted endpoints, which nobody can add again; a tenant's stay.
pub async fn old_figures_and_those_of_deleted_endpoints_are_removed(store: &dyn Store) {
    let (kept, deleted) =
        (given::create(store, &given::endpoint()).await, given::create(store, &given::endpoint()).await);
    let now = this_minute(store).await;
    let subjects = |endpoint: EndpointId| {
        [Subject::Tenant("default".to_owned()), Subject::Endpoint("default".to_owned(), endpoint)]
    };
    let add = async |endpoint: EndpointId, at: Timestamp| {
        let figures = figures(&[given::success(1)]);
        let mut pulse = Pulse::default();
        pulse.add_attempt(&given::success(1));
        let minutes = subjects(endpoint).map(|subject| MinuteOf { subject, at, figures: figures.clone() }).to_vec();
        let added = FiguresPart { id: Uuid::now_v7(), minutes, pulses: vec![(endpoint, pulse)] };
        store.add_figures(&added).await.unwrap();
    };
    add(kept.id, now - given::DAY * 40).await;
    add(kept.id, now).await;
    add(deleted.id, now).await;
    given::done(store.delete_endpoint(deleted.id, None, &given::asked()).await.unwrap());
    while store.take_step(Step::DropFigures, &Retention::default()).await.unwrap() {}
    add(deleted.id, now).await;
    let [tenant, of_kept] = subjects(kept.id);
    let [_, of_deleted] = subjects(deleted.id);
    let counts = async |subject: &Subject| {
        all(store, subject).await.iter().map(|(at, figures)| (*at, figures.delivered)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&of_kept).await, [(now, 1)]);
    assert_eq!(counts(&of_deleted).await, []);
    assert_eq!(counts(&tenant).await, [(now, 3)]);
    let told = store.vitals(&[kept.id, deleted.id], 1).await.unwrap();
    assert!(told[0].pulse.last_success_at.is_some() && told[1].pulse == Pulse::default());
}
