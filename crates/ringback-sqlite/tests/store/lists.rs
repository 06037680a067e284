//! Lists: newest first, bounded, complete over pages.

use std::time::Duration;

use ringback::{
    delivery::{LaneId, Status},
    store::{DeliveryFilter, EventFilter, EventState, Operations as _, Span, Verdict},
    time::Timestamp,
};

use crate::fixture::{Fixture, dead, event, event_at, success};

#[tokio::test]
async fn pages_of_deliveries_put_all_three_places_together() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let mut all = Vec::new();
    for number in 0..30 {
        let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
        match number % 3 {
            0 => assert!(fixture.record(success(&due)).await),
            1 => assert!(fixture.record(dead(&due, false)).await),
            _ => {}
        }
        all.push(due.id);
    }
    all.sort_by(|a, b| b.cmp(a));
    let filters = [
        (DeliveryFilter::default(), 30),
        (DeliveryFilter { endpoint: Some(endpoint.id), ..Default::default() }, 30),
        (DeliveryFilter { tenant: Some("default".to_owned()), ..Default::default() }, 30),
        (DeliveryFilter { tenant: Some("other".to_owned()), ..Default::default() }, 0),
        (DeliveryFilter { status: Some(Status::Delivered), ..Default::default() }, 10),
        (DeliveryFilter { status: Some(Status::Dead), ..Default::default() }, 10),
        (DeliveryFilter { status: Some(Status::Pending), ..Default::default() }, 10),
        (DeliveryFilter { status: Some(Status::Cancelled), ..Default::default() }, 0),
    ];
    for (filter, expected) in filters {
        let (mut seen, mut before, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = fixture.store.list_deliveries(&filter, before, 7).await.unwrap();
            assert!(page.items.len() <= 7);
            seen.extend(page.items.iter().map(|row| row.id));
            pages += 1;
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), expected, "{filter:?}");
        assert_eq!(pages, expected.div_ceil(7).max(1), "{filter:?}");
        let wanted: Vec<_> = all.iter().copied().filter(|id| seen.contains(id)).collect();
        assert_eq!(seen, wanted);
    }
}

#[tokio::test]
async fn a_rare_match_is_found_page_by_page() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let mut rare = event(&[endpoint.id]);
    rare.event_type = "call.rare".to_owned();
    let id = rare.id;
    fixture.accept(rare).await;
    let events = (0..12_000).map(|_| event(&[endpoint.id])).collect();
    use ringback::store::Intake as _;
    fixture.store.accept(&[ringback::store::Group { events, record: None }], crate::fixture::WINDOW).await.unwrap();
    let filter = EventFilter { event_type: Some("call.rare".to_owned()), ..Default::default() };
    let page = fixture.store.list_events(&filter, None, 10).await.unwrap();
    assert!(page.items.is_empty());
    let page = fixture.store.list_events(&filter, page.next, 10).await.unwrap();
    assert_eq!((page.items[0].event.id, page.next), (id, None));
    let filter = DeliveryFilter { event_type: Some("call.rare".to_owned()), ..Default::default() };
    let page = fixture.store.list_deliveries(&filter, None, 10).await.unwrap();
    assert!(page.items.is_empty());
    let page = fixture.store.list_deliveries(&filter, page.next, 10).await.unwrap();
    assert_eq!((page.items[0].id, page.next), (id.delivery(1), None));
}

#[tokio::test]
async fn a_key_finds_its_events_and_deliveries() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut called = event(&[endpoint.id, endpoint.id]);
        called.key = Some("call-42".to_owned());
        ids.push(called.id);
        fixture.accept(called).await;
        fixture.accept(event(&[endpoint.id])).await;
    }
    ids.sort_by(|a, b| b.cmp(a));
    let filter = EventFilter { key: Some("call-42".to_owned()), ..Default::default() };
    let page = fixture.store.list_events(&filter, None, 10).await.unwrap();
    assert_eq!(page.items.iter().map(|row| row.event.id).collect::<Vec<_>>(), ids);
    assert!(page.items.iter().all(|row| row.state == EventState::Routed && row.config_version == Some(0)));
    let filter = DeliveryFilter { key: Some("call-42".to_owned()), ..Default::default() };
    let first = fixture.store.list_deliveries(&filter, None, 3).await.unwrap();
    let second = fixture.store.list_deliveries(&filter, first.next, 3).await.unwrap();
    let seen: Vec<_> = first.items.iter().chain(&second.items).map(|row| row.id).collect();
    let wanted: Vec<_> = ids.iter().flat_map(|id| [id.delivery(2), id.delivery(1)]).collect();
    assert_eq!(seen, wanted);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn inline_deliveries_are_found_by_their_host() {
    let fixture = Fixture::new().await;
    for url in ["https://hooks.example.com/a", "hooks.example.com:8443/b", "https://other.org/hooks.example.com"] {
        let mut inline = event(&[]);
        inline.destination = Some(format!("{{\"url\":\"{url}\"}}"));
        inline.routing.verdict = Verdict::Deliveries(vec![ringback::delivery::NewDelivery {
            id: inline.id.delivery(1),
            lane: LaneId::of_inline("default", "https", "hooks.example.com", 443),
            endpoint: None,
            ordering_key: None,
            marks: Default::default(),
        }]);
        fixture.accept(inline).await;
    }
    let endpoint = fixture.endpoint("{}").await;
    fixture.accept(event(&[endpoint.id])).await;
    let count = async |host: &str, endpoints| {
        let filter = DeliveryFilter { host: Some((host.to_owned(), endpoints)), ..Default::default() };
        fixture.store.list_deliveries(&filter, None, 10).await.unwrap().items.len()
    };
    assert_eq!(count("hooks.example.com", vec![]).await, 2);
    assert_eq!(count("Hooks.Example.com", vec![endpoint.id]).await, 3);
    assert_eq!(count("example.com", vec![]).await, 0);
}

#[tokio::test]
async fn spans_are_half_open() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let start = Timestamp::from_millis(Timestamp::now().millis() - 10_000);
    let at = |seconds| start + Duration::from_secs(seconds);
    for seconds in 0..4 {
        fixture.accept(event_at(at(seconds), &[endpoint.id])).await;
    }
    let accepted = Span { since: Some(at(1)), until: Some(at(3)) };
    let events = fixture.store.list_events(&EventFilter { accepted, ..Default::default() }, None, 10).await.unwrap();
    assert_eq!(events.items.len(), 2);
    let filter = DeliveryFilter { span: accepted, ..Default::default() };
    assert_eq!(fixture.store.list_deliveries(&filter, None, 10).await.unwrap().items.len(), 2);
    let just_after = Span { since: Some(at(1) + Duration::from_micros(1)), until: None };
    let filter = DeliveryFilter { span: just_after, ..Default::default() };
    assert_eq!(fixture.store.list_deliveries(&filter, None, 10).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn dead_letters_are_listed_by_their_deaths() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.endpoint("{}").await, fixture.endpoint("{}").await);
    let mut due = Vec::new();
    for endpoint in [&one, &other, &one, &other, &one] {
        due.extend(fixture.accept(event(&[endpoint.id])).await);
    }
    // They die in the reverse order of their events.
    for due in due.iter().rev() {
        fixture.record(dead(due, false)).await;
    }
    let expected: Vec<_> = due.iter().map(|due| due.id).collect();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = fixture.store.list_dead_letters(&DeliveryFilter::default(), before, 2).await.unwrap();
        seen.extend(page.items.iter().map(|row| row.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
    let filter = DeliveryFilter { endpoint: Some(other.id), ..Default::default() };
    let page = fixture.store.list_dead_letters(&filter, None, 10).await.unwrap();
    assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), [expected[1], expected[3]]);
    let filter = DeliveryFilter { event: Some(expected[2].event()), ..Default::default() };
    assert_eq!(fixture.store.list_dead_letters(&filter, None, 10).await.unwrap().items.len(), 1);
}
