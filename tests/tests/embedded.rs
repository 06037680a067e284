//! The engine inside the platform's own process, its API mounted in the platform's own app.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ringback::{
    audit::{Actor, Who},
    egress::{Egress, SystemResolver},
    endpoint::Draft,
    event::{DEFAULT_TENANT, NewEvent},
    id::{EndpointId, EventId},
    operate::{
        expunges::NewExpunge,
        replays::{self, NewReplay},
        tokens::NewToken,
    },
    store::{
        AuditFilter, DeliveryFilter, EventFilter, ExpungeFilter, ExpungeState, Keys, PayloadRead, ReplayFilter,
        ReplayListFilter, ReplayOf, ReplayOne, ReplayState, Replayed, Span,
    },
    time::Timestamp,
    token::Scope,
};
use ringback_testkit::{Answer, NameServer, Reply};
use ringback_tests::{
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Arrived, Receiver},
    stores::Store,
    until::until,
};
use serde_json::json;

on_both_stores! {
    async fn a_host_emits_in_its_own_transaction_wakes_the_engine_and_asks_the_mounted_api(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::start(&database, |settings| {
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
        })
        .await;
        let receiver = Receiver::healthy().await;
        host.api.endpoint_at(&receiver.url()).await;
        let event = NewEvent::new("call.ended", r#"{"minutes":3.0}"#).key("call-1");
        let id = database.emit(&event).await;
        host.engine.wake();
        receiver.wait_for(1).await;
        let requests = receiver.arrived_when_settled(&host.api).await;
        assert_eq!(requests.iter().map(Arrived::id).collect::<Vec<_>>(), [&id]);
        let delivery = host.api.delivery_of(&id).await;
        host.api.delivery_with_status(&delivery, "delivered").await;
        assert_eq!(host.api.get("/v1/events?key=call-1").await.expect(200)["items"][0]["id"], json!(id));
    }

    async fn dropping_the_host_leaves_nothing_that_the_next_one_could_not_finish(store: Store) {
        let database = Database::fresh(store).await;
        let allowed = |settings: &mut ringback::Settings| {
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
            settings.lease = Duration::from_secs(3);
        };
        let receiver = Receiver::healthy().await;
        let keys = ringback::seal::MasterKeys::generate_text();
        let with_keys = |settings: &mut ringback::Settings| {
            allowed(settings);
            settings.keys = std::sync::Arc::new(ringback::seal::MasterKeys::parse(&keys, &[]).expect("a key"));
        };
        let host = Embedded::start(&database, with_keys).await;
        host.api.endpoint_at(&receiver.url()).await;
        drop(host);
        let next = Embedded::start(&database, with_keys).await;
        let event = next.api.emit("call.ended", b"{}", json!({})).await;
        until("it is sent", async || receiver.arrived().iter().any(|it| it.id() == event).then_some(())).await;
    }

    async fn what_the_api_does_a_host_does_by_the_engine_and_the_log_names_its_people(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::idle(&database).await;
        let (engine, jane) = (&host.engine, Actor::from(Who::Host(Some("jane".to_owned()))));
        let draft = Draft {
            url: Some("https://hooks.example.com/a".to_owned()),
            event_types: Some(vec!["*".to_owned()]),
            ..Draft::default()
        };
        let endpoint = engine.create_endpoint(draft, &jane).await.expect("it is made").endpoint.id;
        let listed = engine.endpoints(Some(DEFAULT_TENANT), None, 1).await.expect("a page");
        assert_eq!((listed.items[0].id, listed.next), (endpoint, None));
        let events = vec![NewEvent::new("call.ended", "1"), NewEvent::new("call.ended", "2")];
        let event = engine.accept(events).await.expect("they are accepted")[0].id;
        let listed = engine.events(&EventFilter::default(), None, 1).await.expect("a page");
        assert_eq!((listed.items.len(), listed.next.is_some()), (1, true));
        assert_eq!(engine.payload(event).await.expect("it is read"), PayloadRead::Bytes("1".into()));

        let delivery = engine.deliveries_of(event, 10).await.expect("they are read")[0].id;
        assert!(engine.attempts(delivery).await.expect("they are read").is_empty());
        let again = engine.replay_delivery(delivery, ReplayOf::Either, &jane).await.expect("an answer");
        assert_eq!(again, ReplayOne::Pending);
        let absent = EventId::new(Timestamp::now()).delivery(1);
        let absent = engine.replay_delivery(absent, ReplayOf::Either, &jane).await.expect("an answer");
        assert_eq!(absent, ReplayOne::Absent);
        assert!(!engine.discard(delivery, &jane).await.expect("an answer"), "it is no dead letter");
        let dead = engine.dead_letters(&DeliveryFilter::default(), None, 10).await.expect("a page");
        assert!(dead.items.is_empty());

        let of = |filter, dry_run| NewReplay { filter, rate_per_second: None, note: None, dry_run };
        let nobody = Some(EndpointId::new(Timestamp::now()));
        let missing = ReplayFilter { endpoint: nobody, ..ReplayFilter::all(Replayed::Missing) };
        let refused = engine.create_replay(of(missing, false), None, &jane).await;
        assert!(matches!(refused, Err(replays::Error::Absent)), "{refused:?}");
        let preview = engine.create_replay(of(ReplayFilter::all(Replayed::Dead), true), None, &jane).await;
        assert_eq!(preview.expect("it is counted").state, ReplayState::Preview);
        let replay = engine.create_replay(of(ReplayFilter::all(Replayed::Dead), false), None, &jane).await;
        let replay = replay.expect("it is made").id.expect("an id");
        let ended = engine.cancel_replay(replay, &jane).await.expect("an answer").expect("a replay");
        assert_eq!(ended.state, ReplayState::Completed, "nothing was dead, so nothing is left to cancel");
        let listed = engine.replays(&ReplayListFilter::default(), None, 10).await.expect("a page");
        assert_eq!(listed.items.iter().filter_map(|row| row.id).collect::<Vec<_>>(), [replay]);

        assert!(engine.expunge_payload(event, Keys::Keep, &jane).await.expect("an answer"));
        assert_eq!(engine.payload(event).await.expect("it is read"), PayloadRead::Expunged);
        let tenant = DEFAULT_TENANT.to_owned();
        let filter = ExpungeFilter { tenant, key: None, event_type: None, accepted: Span::default() };
        let expunge = |dry_run| NewExpunge { filter: filter.clone(), keys: Keys::Keep, dry_run };
        let preview = engine.create_expunge(expunge(true), &jane).await.expect("it is counted");
        assert_eq!((preview.state, preview.id), (ExpungeState::Preview, None));
        let made = engine.create_expunge(expunge(false), &jane).await.expect("it is made").id.expect("an id");
        assert_eq!(engine.expunge(made).await.expect("an answer").expect("an expunge").by, "host:jane");

        let new = NewToken { scope: Scope::Read, tenant: None, name: None, expires_in: None };
        let (token, _) = engine.create_token(new, &jane).await.expect("it is made");
        assert_eq!(engine.valid_token(token.id).await.expect("an answer").map(|token| token.id), Some(token.id));
        assert!(engine.revoke_token(token.id, &jane).await.expect("an answer").is_some());
        assert_eq!(engine.valid_token(token.id).await.expect("an answer"), None);
        assert_eq!(engine.tokens().await.expect("they are read").len(), 1);

        let ledger = engine.ledger(None, Span::default()).await.expect("it is counted");
        assert_eq!((ledger.events.accepted, ledger.deliveries.pending, ledger.deliveries.cancelled), (2, 1, 1));
        assert_eq!(engine.backlog().await.expect("it is counted").pending, 1);
        let log = engine.changes(&AuditFilter::default(), None, 100).await.expect("a page").items;
        assert!(log.iter().all(|change| change.who == "host:jane"), "{log:?}");
        let actions: Vec<_> = log.iter().rev().map(|change| change.action.as_str()).collect();
        let expected = [
            "endpoint.create",
            "replay.create",
            "event.expunge",
            "expunge.create",
            "token.create",
            "token.revoke",
        ];
        assert_eq!(actions, expected);
    }

    async fn a_receiver_that_moves_is_found_while_its_lane_is_busy(store: Store) {
        let database = Database::fresh(store).await;
        let old = ringback_testkit::Receiver::start(|_| Reply::status(204)).await;
        let new = ringback_testkit::Receiver::setup().at(([127, 0, 0, 2], old.address().port()).into());
        let new = new.start(|_| Reply::status(204)).await;
        let moved = Arc::new(AtomicBool::new(false));
        let has_moved = Arc::clone(&moved);
        let names = NameServer::start(move |_| {
            let last = if has_moved.load(Ordering::SeqCst) { 2 } else { 1 };
            Answer::addresses([[127, 0, 0, last]]).ttl(1)
        })
        .await;
        let resolver = SystemResolver::asking(&[names.address()]).expect("a name server");
        let embedded = Embedded::start(&database, |settings| {
            settings.resolver = Some(Arc::new(resolver));
            settings.connection_max_age = Duration::from_secs(1);
            settings.egress = Egress { allow: vec!["127.0.0.0/8".parse().expect("a network")], allow_http: true };
        })
        .await;
        embedded.api.endpoint_at(&old.url_under("receiver.example.com")).await;
        embedded.api.emit("call.ended", b"{}", json!({})).await;
        old.next().await;
        moved.store(true, Ordering::SeqCst);
        // Each look emits once more, so that the connection is never idle for long.
        until("a request has come to the new place", async || {
            embedded.api.emit("call.ended", b"{}", json!({})).await;
            (new.requests() > 0).then_some(())
        })
        .await;
        assert_eq!(names.asked().iter().filter(|asked| asked.name != "receiver.example.com").count(), 0);
    }
}
