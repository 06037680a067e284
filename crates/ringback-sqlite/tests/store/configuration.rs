//! Endpoints and the log of changes.

use std::time::Duration;

use ringback::{
    delivery::{LaneId, Status},
    store::{Change, Configuration as _, EndpointFilter, Intake as _, Operations as _, Updated, Work as _},
    time::Timestamp,
};
use ringback_testkit::contract::given::asked;

use crate::fixture::{Fixture, WINDOW, endpoint, event, retry};

fn done(updated: Updated) -> ringback::store::StoredEndpoint {
    match updated {
        Updated::Done(endpoint) => *endpoint,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn keys_and_limits_are_per_tenant() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let first = done(store.create_endpoint(&endpoint("a", Some("k"), "{}"), 2, &asked()).await.unwrap());
    assert!(matches!(
        store.create_endpoint(&endpoint("a", Some("k"), "{}"), 2, &asked()).await.unwrap(),
        Updated::KeyTaken
    ));
    done(store.create_endpoint(&endpoint("b", Some("k"), "{}"), 2, &asked()).await.unwrap());
    let second = done(store.create_endpoint(&endpoint("a", None, "{}"), 2, &asked()).await.unwrap());
    assert!(matches!(store.create_endpoint(&endpoint("a", None, "{}"), 2, &asked()).await.unwrap(), Updated::TooMany));
    assert_eq!(store.endpoint_by_key("a", "k").await.unwrap().unwrap().id, first.id);
    let mut thief = second.clone();
    thief.key = Some("k".to_owned());
    assert!(matches!(store.update_endpoint(&thief, &asked()).await.unwrap(), Updated::KeyTaken));

    done(store.delete_endpoint(first.id, Some(first.version), &asked()).await.unwrap());
    assert!(store.endpoint_by_key("a", "k").await.unwrap().is_none());
    assert!(matches!(store.delete_endpoint(first.id, None, &asked()).await.unwrap(), Updated::Absent));
    done(store.update_endpoint(&thief, &asked()).await.unwrap());
    let live = store.load_endpoints(&EndpointFilter::Live).await.unwrap();
    assert_eq!(live.len(), 2);
    let kept = store.load_endpoints(&EndpointFilter::Ids(vec![first.id])).await.unwrap();
    assert!(kept[0].deleted_at.is_some());
    let page = EndpointFilter::Page { tenant: Some("a".to_owned()), before: None, limit: 10 };
    assert_eq!(store.load_endpoints(&page).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_against_an_old_version_is_refused() {
    let fixture = Fixture::new().await;
    let before = fixture.endpoint("{}").await;
    let mut paused = before.clone();
    paused.paused = true;
    let after = done(fixture.store.update_endpoint(&paused, &asked()).await.unwrap());
    assert!(after.version > before.version);
    assert!(matches!(fixture.store.update_endpoint(&before, &asked()).await.unwrap(), Updated::VersionMismatch));
    let refused = fixture.store.delete_endpoint(before.id, Some(before.version), &asked()).await.unwrap();
    assert!(matches!(refused, Updated::VersionMismatch));
}

#[tokio::test]
async fn changes_are_told_in_order_and_once() {
    let fixture = Fixture::new().await;
    let first = fixture.endpoint("{}").await;
    let second = fixture.endpoint("{}").await;
    let changes = fixture.store.changes_since(0).await.unwrap();
    assert_eq!(changes.items, [Change::Endpoint(first.id), Change::Endpoint(second.id)]);
    assert_eq!(changes.version, fixture.store.config_version().await.unwrap());
    assert!(!changes.truncated);
    assert!(fixture.store.changes_since(changes.version).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn an_endpoint_that_is_enabled_again_gets_all_that_waited_with_a_fresh_budget() {
    let fixture = Fixture::new().await;
    let created = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[created.id])).await.remove(0);
    fixture.record(retry(&due, Duration::from_secs(3600))).await;
    fixture.store.disable_gone(created.id, created.version, &asked()).await.unwrap();
    let mut gone = fixture.store.load_endpoints(&EndpointFilter::Ids(vec![created.id])).await.unwrap().remove(0);
    assert_eq!((gone.enabled, gone.disabled_reason.as_deref()), (false, Some("gone")));
    assert!(gone.version > created.version);
    assert!(fixture.feed().await.is_empty());

    gone.enabled = true;
    gone.disabled_reason = None;
    done(fixture.store.update_endpoint(&gone, &asked()).await.unwrap());
    let fed = fixture.feed().await;
    assert_eq!((fed[0].attempts, fed[0].attempts_at_refill), (1, 1));
}

#[tokio::test]
async fn deleting_an_endpoint_cancels_what_is_owed_to_it_and_what_comes_too_late() {
    let fixture = Fixture::new().await;
    let created = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[created.id])).await.remove(0);
    let mut late = event(&[created.id]);
    late.routing.config_version = created.version;
    done(fixture.store.delete_endpoint(created.id, None, &asked()).await.unwrap());
    assert_eq!(fixture.store.delivery(due.id).await.unwrap().unwrap().status, Status::Cancelled);
    assert!(fixture.accept(late.clone()).await.is_empty());
    assert_eq!(fixture.store.delivery(late.id.delivery(1)).await.unwrap().unwrap().status, Status::Cancelled);
    assert_eq!(
        fixture
            .store
            .refill(&[(LaneId::of_endpoint(created.id), ringback::store::Cursor::START)], 9)
            .await
            .unwrap()
            .rows,
        []
    );
}

#[tokio::test]
async fn routing_can_be_explained_by_the_version_it_saw() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let first = done(store.create_endpoint(&endpoint("a", Some("old"), "{}"), 9, &asked()).await.unwrap());
    let mut renamed = first.clone();
    renamed.key = Some("new".to_owned());
    renamed.event_types = vec![];
    let renamed = done(store.update_endpoint(&renamed, &asked()).await.unwrap());
    done(store.delete_endpoint(first.id, None, &asked()).await.unwrap());
    let seen = store.endpoints_as_of("a", first.version, 10).await.unwrap();
    assert_eq!((seen[0].key.as_deref(), seen[0].event_types.len()), (Some("old"), 1));
    let seen = store.endpoints_as_of("a", renamed.version, 10).await.unwrap();
    assert_eq!((seen[0].key.as_deref(), seen[0].event_types.len()), (Some("new"), 0));
    assert!(store.endpoints_as_of("a", renamed.version + 1, 10).await.unwrap().is_empty());
    assert!(store.endpoints_as_of("a", 0, 10).await.unwrap().is_empty());
    assert_eq!(store.keep_setting("check", b"one").await.unwrap(), b"one");
    assert_eq!(store.keep_setting("check", b"two").await.unwrap(), b"one");
    assert!(store.accept(&[], WINDOW).await.unwrap().is_empty());
    assert!(Timestamp::now() > first.created_at);
}
