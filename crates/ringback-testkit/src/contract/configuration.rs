//! Endpoints and the log of changes.

use std::time::Duration;

use ringback::{
    delivery::Status,
    endpoint::StoredEndpoint,
    store::{Change, EndpointAsOf, EndpointFilter, Keys, Retention, Store, Updated},
};

use super::{given, upkeep::keep_house};

/// And asking from there on finds nothing.
pub async fn every_change_raises_the_version_and_is_told(store: &dyn Store) {
    let start = store.config_version().await.unwrap();
    let made = given::create(store, &given::endpoint()).await;
    assert!(made.version > start);
    let mut wanted = made.clone();
    wanted.paused = true;
    let paused = given::update(store, &wanted).await;
    assert!(paused.version > made.version);
    let dead = given::one_dead(store).await;
    store.replay_one(dead.id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap();
    let event = dead.id.event();
    store.expunge(event, Keys::Keep, &given::asked()).await.unwrap();
    let changes = store.changes_since(start).await.unwrap();
    assert_eq!(
        changes.items,
        [
            Change::Endpoint(made.id),
            Change::Endpoint(made.id),
            Change::DeliveryReleased(dead.id),
            Change::EventExpunged(event)
        ]
    );
    assert!(!changes.truncated);
    assert_eq!(changes.version, store.config_version().await.unwrap());
    assert!(store.changes_since(changes.version).await.unwrap().items.is_empty());
    assert_eq!(store.changes_since(made.version).await.unwrap().items.len(), 3);
}

/// However many came at once.
pub async fn changes_come_in_pages_that_miss_nothing(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let start = endpoint.version;
    let endpoints: Vec<_> = (0..1_500).map(|_| given::endpoint_id()).collect();
    let due = given::accept_due(store, given::event_to(&endpoints)).await;
    for chunk in due.chunks(500) {
        store.record(&chunk.iter().map(given::dead).collect::<Vec<_>>()).await.unwrap();
    }
    let replay = super::replays::everything_dead();
    store.create_replay(&replay, &given::asked()).await.unwrap();
    while store.release_replayed(replay.id, &replay.scope, 700).await.unwrap() > 0 {}
    let (mut version, mut told) = (start, Vec::new());
    loop {
        let changes = store.changes_since(version).await.unwrap();
        assert!(changes.items.len() <= 1_000 && !changes.truncated);
        if changes.items.is_empty() {
            break;
        }
        version = changes.version;
        told.extend(changes.items);
    }
    let all: Vec<_> = due.iter().map(|due| Change::DeliveryReleased(due.id)).collect();
    assert_eq!(told, all);
}

/// Everything that was given comes back.
pub async fn an_endpoint_is_found_by_id_key_and_page(store: &dyn Store) {
    let mut wanted = given::endpoint();
    wanted.key = Some("crm".to_owned());
    wanted.event_types = vec!["call.*".to_owned(), "say \"hi\"".to_owned()];
    let made = given::create(store, &wanted).await;
    let same = |found: &StoredEndpoint| {
        assert_eq!(found.id, wanted.id);
        assert_eq!((&found.tenant, &found.key), (&wanted.tenant, &wanted.key));
        assert_eq!(found.event_types, wanted.event_types);
        assert_eq!((found.enabled, found.paused, found.deleted_at), (true, false, None));
        assert_eq!((&found.spec, &found.credentials), (&wanted.spec, &wanted.credentials));
        assert_eq!((found.created_at, found.updated_at), (wanted.created_at, wanted.updated_at));
        assert_eq!(found.version, made.version);
    };
    same(&made);
    same(&store.endpoint_by_key("default", "crm").await.unwrap().unwrap());
    assert!(store.endpoint_by_key("other", "crm").await.unwrap().is_none());
    same(&store.load_endpoints(&EndpointFilter::Ids(vec![made.id])).await.unwrap()[0]);
    let mut foreign = given::endpoint();
    foreign.tenant = "other".to_owned();
    foreign.id = ringback::id::EndpointId::new(ringback::time::Timestamp::now() + Duration::from_secs(1));
    let foreign = given::create(store, &foreign).await;
    let live: Vec<_> = ids(store, &EndpointFilter::Live).await;
    assert_eq!(live, [foreign.id, made.id], "newest first");
    let page =
        |tenant: Option<&str>, before, limit| EndpointFilter::Page { tenant: tenant.map(str::to_owned), before, limit };
    assert_eq!(ids(store, &page(None, None, 1)).await, [foreign.id]);
    assert_eq!(ids(store, &page(None, Some(foreign.id), 9)).await, [made.id]);
    assert_eq!(ids(store, &page(Some("default"), None, 9)).await, [made.id]);
}

async fn ids(store: &dyn Store, filter: &EndpointFilter) -> Vec<ringback::id::EndpointId> {
    store.load_endpoints(filter).await.unwrap().into_iter().map(|endpoint| endpoint.id).collect()
}

/// Of a tenant; another tenant's, and a deleted one's, is free.
pub async fn a_key_is_one_live_endpoints(store: &dyn Store) {
    let keyed = |tenant: &str| {
        let mut endpoint = given::endpoint();
        endpoint.tenant = tenant.to_owned();
        endpoint.key = Some("crm".to_owned());
        endpoint
    };
    let first = given::create(store, &keyed("a")).await;
    given::create(store, &keyed("b")).await;
    let taken = store.create_endpoint(&keyed("a"), 10, None, &given::asked()).await.unwrap();
    assert!(matches!(taken, Updated::KeyTaken), "{taken:?}");
    // Also where the tenant may have no other: who repeats a request is told that it was made.
    let full = store.create_endpoint(&keyed("a"), 1, None, &given::asked()).await.unwrap();
    assert!(matches!(full, Updated::KeyTaken), "{full:?}");
    let mut other = given::create(store, &StoredEndpoint { tenant: "a".to_owned(), ..given::endpoint() }).await;
    other.key = Some("crm".to_owned());
    assert!(matches!(store.update_endpoint(&other, &given::asked()).await.unwrap(), Updated::KeyTaken));
    given::done(store.delete_endpoint(first.id, None, &given::asked()).await.unwrap());
    given::update(store, &other).await;
}

/// Deleted ones do not count.
pub async fn a_tenant_has_only_so_many_endpoints(store: &dyn Store) {
    let first = given::done(store.create_endpoint(&given::endpoint(), 2, None, &given::asked()).await.unwrap());
    given::done(store.create_endpoint(&given::endpoint(), 2, None, &given::asked()).await.unwrap());
    let version = store.config_version().await.unwrap();
    assert!(matches!(
        store.create_endpoint(&given::endpoint(), 2, None, &given::asked()).await.unwrap(),
        Updated::TooMany
    ));
    assert_eq!(store.config_version().await.unwrap(), version, "nothing changed");
    let foreign = StoredEndpoint { tenant: "other".to_owned(), ..given::endpoint() };
    given::done(store.create_endpoint(&foreign, 2, None, &given::asked()).await.unwrap());
    given::done(store.delete_endpoint(first.id, None, &given::asked()).await.unwrap());
    given::done(store.create_endpoint(&given::endpoint(), 2, None, &given::asked()).await.unwrap());
}

/// And so is a deletion.
pub async fn an_update_of_an_older_version_is_refused(store: &dyn Store) {
    let old = given::create(store, &given::endpoint()).await;
    let mut wanted = old.clone();
    wanted.spec = "{\"url\":\"https://example.org/\"}".to_owned();
    let new = given::update(store, &wanted).await;
    assert_eq!(new.spec, wanted.spec);
    assert_eq!(new.created_at, old.created_at);
    assert!(matches!(store.update_endpoint(&wanted, &given::asked()).await.unwrap(), Updated::VersionMismatch));
    let deletion = store.delete_endpoint(old.id, Some(old.version), &given::asked()).await.unwrap();
    assert!(matches!(deletion, Updated::VersionMismatch));
    given::done(store.delete_endpoint(old.id, Some(new.version), &given::asked()).await.unwrap());
    assert!(matches!(store.update_endpoint(&new, &given::asked()).await.unwrap(), Updated::Absent));
    assert!(matches!(store.delete_endpoint(old.id, None, &given::asked()).await.unwrap(), Updated::Absent));
}

/// Nothing else makes them due: pausing and resuming does not.
pub async fn enabling_makes_what_is_pending_due_with_a_full_budget(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let due = given::accept_due(store, given::event_to(&[endpoint.id])).await.remove(0);
    given::record(store, given::retried(&due, Duration::from_secs(3_600))).await;
    let mut wanted = endpoint;
    for (enabled, paused) in [(true, true), (true, false), (false, false)] {
        (wanted.enabled, wanted.paused) = (enabled, paused);
        wanted = given::update(store, &wanted).await;
        assert!(given::all_due(store).await.is_empty());
    }
    wanted.enabled = true;
    given::update(store, &wanted).await;
    let again = given::all_due(store).await.remove(0);
    assert_eq!((again.id, again.attempts, again.attempts_at_refill), (due.id, 1, 1));
}

/// A replay of a delivered one just ends.
pub async fn deleting_cancels_what_is_pending_and_keeps_dead_letters(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let other = given::one_due(store).await;
    let mut of_endpoint = Vec::new();
    for _ in 0..3 {
        of_endpoint.extend(given::accept_due(store, given::event_to(&[endpoint.id])).await);
    }
    let [pending, dead, delivered] = &of_endpoint[..] else { panic!("three") };
    given::record(store, given::dead(dead)).await;
    given::record(store, given::delivered(delivered)).await;
    store.replay_one(delivered.id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap();
    let version = store.config_version().await.unwrap();
    let updated = store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap();
    let Updated::Deleted(deleted, cancelled) = updated else { panic!("{updated:?}") };
    assert!(deleted.deleted_at.is_some());
    assert_eq!(cancelled, 1, "neither the dead one nor the replay of the delivered one");
    assert_eq!(store.changes_since(version).await.unwrap().items, [Change::Endpoint(endpoint.id)]);
    let status = async |id| given::delivery(store, id).await.status;
    assert_eq!(status(pending.id).await, Status::Cancelled);
    assert_eq!(status(dead.id).await, Status::Dead);
    assert_eq!(status(delivered.id).await, Status::Delivered);
    assert_eq!(given::due_ids(store).await, [other.id]);
}

/// So that old deliveries can still name it.
pub async fn a_deleted_endpoint_is_found_by_id_only(store: &dyn Store) {
    let mut wanted = given::endpoint();
    wanted.key = Some("crm".to_owned());
    let made = given::create(store, &wanted).await;
    given::done(store.delete_endpoint(made.id, None, &given::asked()).await.unwrap());
    assert!(store.load_endpoints(&EndpointFilter::Live).await.unwrap().is_empty());
    assert!(store.endpoint_by_key("default", "crm").await.unwrap().is_none());
    let found = store.load_endpoints(&EndpointFilter::Ids(vec![made.id])).await.unwrap();
    assert!(found[0].deleted_at.is_some());
}

/// At any version, whatever has become of the endpoints since.
pub async fn the_past_is_answered_as_routing_saw_it(store: &dyn Store) {
    let before = store.config_version().await.unwrap();
    let mut wanted = given::endpoint();
    wanted.key = Some("crm".to_owned());
    wanted.event_types = vec!["a".to_owned()];
    let made = given::create(store, &wanted).await;
    let foreign = StoredEndpoint { tenant: "other".to_owned(), ..given::endpoint() };
    given::create(store, &foreign).await;
    let mut changed = made.clone();
    changed.event_types = vec!["b".to_owned()];
    changed.key = None;
    changed.spec = r#"{"filter":"type == 'b'"}"#.to_owned();
    let changed = given::update(store, &changed).await;
    let wider = StoredEndpoint { spec: r#"{"filter":"true"}"#.to_owned(), ..changed.clone() };
    let wider = given::update(store, &wider).await;
    given::done(store.delete_endpoint(made.id, None, &given::asked()).await.unwrap());
    let after = store.config_version().await.unwrap();
    let as_of = async |version| store.endpoints_as_of("default", version, 10).await.unwrap();
    assert!(as_of(before).await.is_empty());
    let then = |key: Option<&str>, event_type: &str| EndpointAsOf {
        id: made.id,
        key: key.map(str::to_owned),
        event_types: vec![event_type.to_owned()],
        filter: (event_type == "b").then(|| "type == 'b'".to_owned()),
    };
    assert_eq!(as_of(made.version).await, [then(Some("crm"), "a")]);
    assert_eq!(as_of(changed.version - 1).await, [then(Some("crm"), "a")]);
    assert_eq!(as_of(changed.version).await, [then(None, "b")]);
    let filtered = EndpointAsOf { filter: Some("true".to_owned()), ..then(None, "b") };
    assert_eq!(as_of(wider.version).await, [filtered], "a filter alone makes a version, too");
    assert!(as_of(after).await.is_empty());
    assert!(store.endpoints_as_of("default", made.version, 0).await.unwrap().is_empty());
}

/// Whoever comes later gets the first one's.
pub async fn the_first_setting_stays(store: &dyn Store) {
    assert_eq!(store.setting("a").await.unwrap(), None);
    assert_eq!(store.keep_setting("a", b"one\0").await.unwrap(), b"one\0");
    assert_eq!(store.keep_setting("a", b"two").await.unwrap(), b"one\0");
    assert_eq!(store.keep_setting("b", b"two").await.unwrap(), b"two");
    assert_eq!(store.setting("a").await.unwrap().unwrap(), b"one\0");
}

/// The router may not know yet that the endpoint is gone: what it stores is cancelled, at the latest when the store next
/// keeps house.
pub async fn what_comes_too_late_for_a_deleted_endpoint_is_cancelled(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    given::done(store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap());
    let mut late = given::event_to(&[endpoint.id]);
    late.routing.config_version = endpoint.version;
    let id = late.id.delivery(1);
    given::accept_due(store, late).await;
    keep_house(store, &Retention::default()).await;
    assert_eq!(given::delivery(store, id).await.status, Status::Cancelled);
    assert!(given::all_due(store).await.is_empty());
}

/// It says why, every node is told, and what is pending stays pending.
pub async fn an_endpoint_that_is_gone_is_disabled_once(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let due = given::accept_due(store, given::event_to(&[endpoint.id])).await.remove(0);
    store.disable_endpoint(endpoint.id, endpoint.version, "gone", &given::asked()).await.unwrap();
    let filter = EndpointFilter::Ids(vec![endpoint.id]);
    let now = store.load_endpoints(&filter).await.unwrap().remove(0);
    assert_eq!((now.enabled, now.disabled_reason.as_deref()), (false, Some("gone")));
    assert!(now.version > endpoint.version);
    let changes = store.changes_since(endpoint.version).await.unwrap();
    assert_eq!(changes.items, [Change::Endpoint(endpoint.id)]);
    assert_eq!(given::delivery(store, due.id).await.status, Status::Pending);
    for version in [endpoint.version, now.version] {
        store.disable_endpoint(endpoint.id, version, "gone", &given::asked()).await.unwrap();
        store.disable_endpoint(given::endpoint_id(), version, "gone", &given::asked()).await.unwrap();
    }
    assert!(store.changes_since(changes.version).await.unwrap().items.is_empty());
}

/// Its answer came to a request that was made before the change: perhaps to another URL.
pub async fn an_endpoint_that_was_changed_meanwhile_is_not_gone(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let changed = given::done(store.update_endpoint(&endpoint, &given::asked()).await.unwrap());
    store.disable_endpoint(endpoint.id, endpoint.version, "gone", &given::asked()).await.unwrap();
    let filter = EndpointFilter::Ids(vec![endpoint.id]);
    let now = store.load_endpoints(&filter).await.unwrap().remove(0);
    assert_eq!((now.enabled, now.version), (true, changed.version));
}

/// Unlike one that is kept.
pub async fn a_setting_that_is_put_replaces_the_one_before(store: &dyn Store) {
    store.put_setting("noted", b"one").await.unwrap();
    assert_eq!(store.setting("noted").await.unwrap().as_deref(), Some(&b"one"[..]));
    store.put_setting("noted", b"two").await.unwrap();
    assert_eq!(store.keep_setting("noted", b"three").await.unwrap(), b"two");
}
