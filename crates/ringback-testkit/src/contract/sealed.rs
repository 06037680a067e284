//! What is sealed, read and replaced row by row.

use ringback::{
    audit::Action,
    id::EventId,
    store::{AuditFilter, EndpointFilter, Once, OnceName, Resealed, Store},
};

use super::given;

/// Deleted ones included, and each once.
pub async fn sealed_endpoints_are_found_in_pages(store: &dyn Store) {
    let mut made = Vec::new();
    for number in 0..3 {
        let mut endpoint = given::endpoint();
        endpoint.credentials = vec![number];
        made.push(given::create(store, &endpoint).await);
    }
    given::done(store.delete_endpoint(made[1].id, None, &given::asked()).await.unwrap());
    let first = store.sealed_endpoints(None, 2).await.unwrap();
    let rest = store.sealed_endpoints(first.last().map(|(id, _)| *id), 2).await.unwrap();
    let mut expected: Vec<_> = made.iter().map(|made| (made.id, made.credentials.clone())).collect();
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!([first, rest].concat(), expected);
    assert!(store.sealed_endpoints(expected.last().map(|(id, _)| *id), 2).await.unwrap().is_empty());
}

/// Whoever read an endpoint before may change it by the version that was read.
pub async fn resealing_an_endpoint_raises_no_version(store: &dyn Store) {
    let (one, other) = (given::create(store, &given::endpoint()).await, given::create(store, &given::endpoint()).await);
    let before = store.config_version().await.unwrap();
    let row = |id, before: &[u8], after: &[u8]| Resealed { id, before: before.to_vec(), after: after.to_vec() };
    // The second changed since it was read.
    let rows = [row(one.id, &one.credentials, b"anew"), row(other.id, b"not its own", b"anew")];
    assert_eq!(store.reseal_endpoints(&rows).await.unwrap(), 1);
    let found = store.load_endpoints(&EndpointFilter::Ids(vec![one.id, other.id])).await.unwrap();
    let now = |id| found.iter().find(|found| found.id == id).unwrap();
    assert_eq!((&*now(one.id).credentials, now(one.id).version), (&b"anew"[..], one.version));
    assert_eq!((now(one.id).updated_at, &now(other.id).credentials), (one.updated_at, &other.credentials));
    assert_eq!(store.config_version().await.unwrap(), before, "no node has to load anything");
    given::update(store, &one).await;
}

/// Whatever became of their deliveries. Events without one are passed over, and told apart from the end.
pub async fn sealed_destinations_are_found_among_all_events(store: &dyn Store) {
    let sealed = |text: &str| format!(r#"{{"url":"https://a.example/","sealed":"{text}"}}"#);
    let mut expected = Vec::new();
    for number in 0..5 {
        let mut event = given::inline_event("https://a.example/", "a.example");
        if number % 2 == 0 {
            event.destination = Some(sealed(&number.to_string()));
            expected.push((event.id, sealed(&number.to_string())));
        }
        let due = given::accept_due(store, event).await;
        if number == 2 {
            assert!(given::record(store, given::dead(&due[0])).await);
        }
    }
    let (mut found, mut after, mut looks) = (Vec::new(), None::<EventId>, 0);
    loop {
        let page = store.sealed_destinations(after, 2).await.unwrap();
        found.extend(page.items);
        let Some(last) = page.last else { break };
        assert!(after < Some(last));
        (after, looks) = (Some(last), looks + 1);
    }
    found.sort();
    expected.sort();
    assert_eq!((found, looks), (expected.clone(), 3));
    let row = |(id, before): &(EventId, String), after: &str| Resealed {
        id: *id,
        before: before.clone(),
        after: sealed(after),
    };
    let stale = (expected[1].0, sealed("not its own"));
    assert_eq!(store.reseal_destinations(&[row(&expected[0], "anew"), row(&stale, "anew")]).await.unwrap(), 1);
    let now = async |id: EventId| store.event(id).await.unwrap().unwrap().event.destination.unwrap();
    assert_eq!(now(expected[0].0).await, sealed("anew"));
    assert_eq!(now(expected[1].0).await, expected[1].1);
}

/// In order of their names, and replaced where they are what was read.
pub async fn sealed_requests_are_found_in_pages(store: &dyn Store) {
    let name = |tenant: &str, key: &str| OnceName {
        binding: String::new(),
        tenant: tenant.to_owned(),
        route: "endpoints".to_owned(),
        key: key.to_owned(),
    };
    let expected = [(name("a", "k"), b"0".to_vec()), (name("a", "l"), b"1".to_vec()), (name("b", "k"), b"2".to_vec())];
    for (name, content) in expected.iter().rev() {
        let endpoint = given::endpoint();
        let once = Once { name: name.clone(), content: content.clone(), object: endpoint.id.uuid() };
        given::done(store.create_endpoint(&endpoint, 10, Some(&once), &given::asked()).await.unwrap());
    }
    let first = store.sealed_requests(None, 2).await.unwrap();
    let rest = store.sealed_requests(first.last().map(|(name, _)| name), 2).await.unwrap();
    assert_eq!([first, rest].concat(), expected);
    assert!(store.sealed_requests(Some(&expected[2].0), 2).await.unwrap().is_empty());

    let row =
        |id: &OnceName, before: &[u8]| Resealed { id: id.clone(), before: before.to_vec(), after: b"anew".to_vec() };
    let rows = [row(&expected[0].0, b"0"), row(&expected[1].0, b"not its own")];
    assert_eq!(store.reseal_requests(&rows).await.unwrap(), 1);
    let now: Vec<_> = store.sealed_requests(None, 10).await.unwrap().into_iter().map(|(_, content)| content).collect();
    assert_eq!(now, [b"anew".to_vec(), b"1".to_vec(), b"2".to_vec()]);
}

/// And recorded only then.
pub async fn a_setting_is_replaced_if_it_is_what_was_read(store: &dyn Store) {
    let mut record = given::asked();
    record.action = Action::Rekey;
    assert!(!store.replace_setting("a", b"one", b"two", Some(&record)).await.unwrap(), "there is none");
    store.keep_setting("a", b"one").await.unwrap();
    assert!(!store.replace_setting("a", b"other", b"two", Some(&record)).await.unwrap());
    assert!(store.replace_setting("a", b"one", b"two\0", Some(&record)).await.unwrap());
    assert_eq!(store.setting("a").await.unwrap().unwrap(), b"two\0");
    let audit = store.list_audit(&AuditFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(audit.iter().filter(|row| row.action == Action::Rekey.as_str()).count(), 1);
}
