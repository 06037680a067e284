//! The log of who changed what: there if and only if the change is.

use std::time::Duration;

use ringback::{
    audit::{Action, Actor, Entry, Who},
    endpoint::StoredEndpoint,
    id::{ReplayId, TokenId},
    store::{
        Accepted, AuditFilter, AuditPosition, AuditRow, Group, Keys, ReplayOf, ReplayOne, ReplayState, Retention, Span,
        Store, Updated,
    },
    time::Timestamp,
};
use serde_json::json;

use super::{given, replays::everything_dead, tokens, upkeep::keep_house};

/// A record that only this text tells from others.
fn asked(object: &str) -> Entry {
    Actor::from(Who::AdminToken).asks(Action::UpdateEndpoint, object, Some("default"))
}

/// One that no store takes: its request's id is too long.
fn refused() -> Entry {
    let by = Actor { who: Who::AdminToken, request_id: Some("x".repeat(201)) };
    by.asks(Action::UpdateEndpoint, "refused", None)
}

async fn log(store: &dyn Store) -> Vec<AuditRow> {
    let page = store.list_audit(&AuditFilter::default(), None, 1_000).await.unwrap();
    assert_eq!(page.next, None);
    page.items
}

/// The objects of all that was recorded, oldest first.
async fn recorded(store: &dyn Store) -> Vec<String> {
    log(store).await.into_iter().rev().map(|row| row.object).collect()
}

/// Every field, whatever it holds.
pub async fn a_record_comes_back_as_it_was_written(store: &dyn Store) {
    let before = store.feed(&[], 1).await.unwrap().now;
    let token = TokenId::new(Timestamp::now());
    let by = Actor { who: Who::Token(token), request_id: Some("req-1".to_owned()) };
    let full = by
        .asks(Action::CreateToken, "ep_1", Some("acme"))
        .before(json!({"name": "Grüße \"\u{0}\" \u{1f319}", "paused": false}))
        .after(json!(["\n", null, 1.5]));
    store.create_token(&tokens::new(|_| {}), &full).await.unwrap();
    let bare = Actor::from(Who::Engine).asks(Action::DisableEndpoint, "ep_2", None);
    store.create_token(&tokens::new(|_| {}), &bare).await.unwrap();
    let rows = log(store).await;
    let after = store.feed(&[], 1).await.unwrap().now;
    assert!(rows.iter().all(|row| (before..=after).contains(&row.position.at)), "{rows:?}");
    let [second, first] = &rows[..] else { panic!("{rows:?}") };
    let told = |row: &AuditRow| (row.who.clone(), row.action.clone(), row.object.clone(), row.tenant.clone());
    let text = str::to_owned;
    assert_eq!(told(first), (token.to_string(), text("token.create"), text("ep_1"), Some(text("acme"))));
    assert_eq!(told(second), (text("engine"), text("endpoint.disable"), text("ep_2"), None));
    let read = |text: &Option<String>| text.as_deref().map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(first.request_id.as_deref(), Some("req-1"));
    assert_eq!((read(&first.before), read(&first.after)), (full.before, full.after));
    assert_eq!((&second.request_id, &second.before, &second.after), (&None, &None, &None));
}

/// Whatever stands against a change leaves no record of it.
pub async fn changes_of_endpoints_are_recorded_if_they_are_made(store: &dyn Store) {
    let keyed = || StoredEndpoint { key: Some("crm".to_owned()), ..given::endpoint() };
    let first = given::done(store.create_endpoint(&keyed(), 2, None, &asked("made")).await.unwrap());
    let taken = store.create_endpoint(&keyed(), 2, None, &asked("key taken")).await.unwrap();
    assert!(matches!(taken, Updated::KeyTaken));
    let mut other = given::done(store.create_endpoint(&given::endpoint(), 2, None, &asked("made, too")).await.unwrap());
    let many = store.create_endpoint(&given::endpoint(), 2, None, &asked("too many")).await.unwrap();
    assert!(matches!(many, Updated::TooMany));
    other.key = Some("crm".to_owned());
    let taken = store.update_endpoint(&other, &asked("key taken")).await.unwrap();
    assert!(matches!(taken, Updated::KeyTaken));
    given::done(store.update_endpoint(&first, &asked("changed")).await.unwrap());
    let stale = store.update_endpoint(&first, &asked("stale")).await.unwrap();
    assert!(matches!(stale, Updated::VersionMismatch));
    let stale = store.delete_endpoint(first.id, Some(first.version), &asked("stale")).await.unwrap();
    assert!(matches!(stale, Updated::VersionMismatch));
    given::done(store.delete_endpoint(first.id, None, &asked("deleted")).await.unwrap());
    let absent = store.delete_endpoint(first.id, None, &asked("absent")).await.unwrap();
    assert!(matches!(absent, Updated::Absent));
    store.disable_endpoint(first.id, first.version, "gone", &asked("deleted already")).await.unwrap();
    store.disable_endpoint(other.id, other.version, "gone", &asked("gone")).await.unwrap();
    store.disable_endpoint(other.id, other.version, "gone", &asked("disabled already")).await.unwrap();
    assert_eq!(recorded(store).await, ["made", "made, too", "changed", "deleted", "gone"]);
}

/// The same of deliveries and their events.
pub async fn expunging_and_discarding_are_recorded_if_they_do_anything(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let event = given::one_due(store).await.id.event();
    assert!(store.discard_dead_letter(dead.id, &asked("discarded")).await.unwrap());
    assert!(!store.discard_dead_letter(dead.id, &asked("again")).await.unwrap());
    assert!(store.expunge(event, Keys::Keep, &asked("expunged")).await.unwrap().is_some());
    assert!(store.expunge(event, Keys::Keep, &asked("again")).await.unwrap().is_some());
    assert!(store.expunge(given::event_id(), Keys::Keep, &asked("absent")).await.unwrap().is_none());
    assert_eq!(recorded(store).await, ["discarded", "expunged"]);
}

/// A preview is none, and a replay is stopped once.
pub async fn replays_are_recorded_if_they_do_anything(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    assert_eq!(store.replay_one(dead.id, ReplayOf::Either, &asked("one")).await.unwrap(), ReplayOne::Released);
    assert_eq!(store.replay_one(dead.id, ReplayOf::Either, &asked("pending")).await.unwrap(), ReplayOne::Pending);
    given::one_dead(store).await;
    let replay = everything_dead();
    let preview = ringback::store::ReplayToCreate { dry_run: true, ..replay.clone() };
    store.create_replay(&preview, &asked("preview")).await.unwrap();
    store.create_replay(&replay, &asked("many")).await.unwrap();
    store.cancel_replay(replay.id, &asked("stopped")).await.unwrap();
    store.cancel_replay(replay.id, &asked("again")).await.unwrap();
    store.cancel_replay(ReplayId::new(Timestamp::now()), &asked("absent")).await.unwrap();
    assert_eq!(recorded(store).await, ["one", "many", "stopped"]);
}

/// Events alone are not: the log is of what people ask for, not of the work.
pub async fn what_was_asked_for_with_an_event_is_recorded_if_it_is_stored(store: &dyn Store) {
    let keyed = |content: u8| {
        let mut event = given::event();
        (event.idempotency_key, event.content) = (Some("once".to_owned()), [content; 32]);
        event
    };
    let accept = async |event, record| {
        let group = Group { events: vec![event], record, once: None };
        store.accept(&[group], given::WINDOW).await.unwrap().remove(0).remove(0)
    };
    assert!(matches!(accept(keyed(1), Some(asked("test"))).await, Accepted::New(_)));
    assert!(matches!(accept(keyed(1), Some(asked("duplicate"))).await, Accepted::Duplicate(_)));
    assert!(matches!(accept(keyed(2), Some(asked("conflict"))).await, Accepted::Conflict(_)));
    accept(given::event(), None).await;
    assert_eq!(recorded(store).await, ["test"]);
}

/// A token is made and revoked once.
pub async fn tokens_are_recorded_as_they_are_made_and_revoked(store: &dyn Store) {
    let token = tokens::new(|_| {});
    store.create_token(&token, &asked("made")).await.unwrap();
    assert!(store.create_token(&token, &asked("made twice")).await.is_err());
    store.revoke_token(token.id, &asked("revoked")).await.unwrap();
    store.revoke_token(token.id, &asked("again")).await.unwrap();
    store.revoke_token(TokenId::new(Timestamp::now()), &asked("absent")).await.unwrap();
    store.note_token_use(token.id).await.unwrap();
    assert_eq!(recorded(store).await, ["made", "revoked"]);
}

/// One transaction: a record that cannot be written takes its change with it.
pub async fn a_change_that_cannot_be_recorded_is_not_made(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let (dead, due) = (given::one_dead(store).await, given::one_due(store).await);
    let token = tokens::stored(store, |_| {}).await;
    let replay = everything_dead();
    store.create_replay(&replay, &asked("replay")).await.unwrap();
    let (before, version) = (log(store).await, store.config_version().await.unwrap());

    assert!(store.create_endpoint(&given::endpoint(), 9, None, &refused()).await.is_err());
    assert!(store.update_endpoint(&StoredEndpoint { paused: true, ..endpoint.clone() }, &refused()).await.is_err());
    assert!(store.delete_endpoint(endpoint.id, None, &refused()).await.is_err());
    assert!(store.disable_endpoint(endpoint.id, endpoint.version, "gone", &refused()).await.is_err());
    assert!(store.discard_dead_letter(dead.id, &refused()).await.is_err());
    assert!(store.replay_one(dead.id, ReplayOf::Either, &refused()).await.is_err());
    assert!(store.expunge(due.id.event(), Keys::Keep, &refused()).await.is_err());
    let unmade = everything_dead();
    assert!(store.create_replay(&unmade, &refused()).await.is_err());
    assert!(store.cancel_replay(replay.id, &refused()).await.is_err());
    let unmade_token = tokens::new(|_| {});
    assert!(store.create_token(&unmade_token, &refused()).await.is_err());
    assert!(store.revoke_token(token.id, &refused()).await.is_err());
    let event = given::event();
    let group = Group { events: vec![event.clone()], record: Some(refused()), once: None };
    assert!(store.accept(&[group], given::WINDOW).await.is_err());

    assert_eq!(store.config_version().await.unwrap(), version, "no node is told of anything");
    assert_eq!(log(store).await, before);
    let live = store.load_endpoints(&ringback::store::EndpointFilter::Live).await.unwrap();
    assert_eq!(live.len(), 1);
    assert!(live[0].enabled && !live[0].paused);
    assert_eq!(given::delivery(store, dead.id).await.status, ringback::delivery::Status::Dead);
    assert_eq!(given::delivery(store, due.id).await.status, ringback::delivery::Status::Pending);
    assert!(matches!(store.payload(due.id.event()).await.unwrap(), ringback::store::PayloadRead::Bytes(_)));
    assert!(store.replay(unmade.id).await.unwrap().is_none());
    assert_eq!(store.replay(replay.id).await.unwrap().unwrap().state, ReplayState::Running);
    assert!(store.valid_token(token.id).await.unwrap().is_some());
    assert!(store.valid_token(unmade_token.id).await.unwrap().is_none());
    assert!(store.event(event.id).await.unwrap().is_none());
}

/// Every row once, whatever the size of the page.
pub async fn changes_are_listed_newest_first_in_pages(store: &dyn Store) {
    let mut expected = Vec::new();
    for number in 0..7 {
        let object = format!("object {number}");
        store.create_token(&tokens::new(|_| {}), &asked(&object)).await.unwrap();
        expected.insert(0, object);
    }
    for limit in [1, 3, 7, 100] {
        let (mut seen, mut before) = (Vec::<AuditRow>::new(), None);
        loop {
            let page = store.list_audit(&AuditFilter::default(), before, limit).await.unwrap();
            assert!(page.items.len() <= limit as usize);
            seen.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert!(seen.iter().map(|row| row.position).is_sorted_by(|a: &AuditPosition, b| a > b));
        assert_eq!(seen.into_iter().map(|row| row.object).collect::<Vec<_>>(), expected);
    }
}

/// By tenant, and by a stretch of time that holds its beginning and not its end.
pub async fn changes_are_filtered(store: &dyn Store) {
    for tenant in [Some("a"), None, Some("b"), Some("a")] {
        let record = Actor::from(Who::Host(None)).asks(Action::RevokeToken, format!("{tenant:?}"), tenant);
        store.create_token(&tokens::new(|_| {}), &record).await.unwrap();
    }
    let rows = log(store).await;
    let list = async |tenant: Option<&str>, at| {
        let filter = AuditFilter { tenant: tenant.map(str::to_owned), at, ..AuditFilter::default() };
        store.list_audit(&filter, None, 10).await.unwrap().items
    };
    let of_a = [rows[0].clone(), rows[3].clone()];
    assert_eq!(list(Some("a"), Span::default()).await, of_a);
    assert!(list(Some("c"), Span::default()).await.is_empty());
    let (first, last) = (rows[3].position.at, rows[0].position.at);
    let since = |at| Span { since: Some(at), until: None };
    let until = |at| Span { since: None, until: Some(at) };
    let micro = Duration::from_micros(1);
    assert_eq!(list(None, since(first)).await, rows);
    assert_eq!(list(None, until(last + micro)).await, rows);
    assert!(list(None, since(last + micro)).await.is_empty());
    assert!(list(None, until(first)).await.is_empty());
    assert_eq!(list(Some("a"), Span { since: Some(first), until: Some(last + micro) }).await, of_a);
}

/// By who asked, what was done and to what, alone and together, of one tenant and of all.
pub async fn changes_are_found_by_who_what_and_object(store: &dyn Store) {
    let actors = [Who::Host(None), Who::CommandLine];
    for (who, object) in [(0, "one"), (1, "one"), (0, "two")] {
        let record = Actor::from(actors[who].clone()).asks(Action::RevokeToken, object, Some("a"));
        store.create_token(&tokens::new(|_| {}), &record).await.unwrap();
    }
    let rows = log(store).await;
    let text = |text: &str| Some(text.to_owned());
    let action = rows[0].action.as_str();
    for tenant in [None, Some("a")] {
        let list = async |who: Option<&str>, action: Option<&str>, object: Option<&str>| {
            let [tenant, who, action, object] = [tenant, who, action, object].map(|it| it.and_then(text));
            let filter = AuditFilter { tenant, at: Span::default(), who, action, object };
            store.list_audit(&filter, None, 10).await.unwrap().items
        };
        assert_eq!(list(Some("host"), None, None).await, [rows[0].clone(), rows[2].clone()]);
        assert_eq!(list(None, Some(action), None).await, rows);
        assert_eq!(list(None, Some("nothing.done"), None).await, []);
        assert_eq!(list(None, None, Some("one")).await, rows[1..]);
        assert_eq!(list(Some("command_line"), Some(action), Some("one")).await, rows[1..2]);
        assert_eq!(list(Some("command_line"), None, Some("two")).await, []);
    }
}

/// As long as events are kept, and no longer.
pub async fn old_changes_are_forgotten(store: &dyn Store) {
    store.create_token(&tokens::new(|_| {}), &asked("old")).await.unwrap();
    keep_house(store, &Retention::default()).await;
    assert_eq!(recorded(store).await, ["old"]);
    keep_house(store, &Retention { events: Duration::ZERO, ..Retention::default() }).await;
    assert!(recorded(store).await.is_empty());
}
