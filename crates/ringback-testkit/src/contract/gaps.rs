//! What became of many keys at once.

use std::time::Duration;

use ringback::{
    event::NewEvent,
    store::{Expected, Fate, Span, Store},
};

use super::given;

/// In the order of the keys, whatever their number: the worst of each key's deliveries, of the tenant, time and endpoint that
/// are asked about.
pub async fn what_became_of_many_keys_is_told_at_once(store: &dyn Store) {
    let (one, other) = (given::endpoint_id(), given::endpoint_id());
    let keyed = |key: &str, endpoints: &[_]| {
        let mut event = given::event_to(endpoints);
        event.key = Some(key.to_owned());
        event
    };
    let delivered = given::accept_due(store, keyed("delivered", &[one])).await.remove(0);
    given::passed(delivered.id.event().accepted_at()).await;
    assert!(given::record(store, given::delivered(&delivered)).await);
    let mixed = given::accept_due(store, keyed("mixed", &[one, other])).await;
    assert!(given::record(store, given::delivered(&mixed[0])).await);
    assert!(given::record(store, given::dead(&mixed[1])).await);
    let pending = given::accept_due(store, keyed("pending", &[one])).await.remove(0);
    let mut nobody = given::event();
    nobody.key = Some("nobody".to_owned());
    given::accept_due(store, nobody).await;
    given::passed(pending.id.event().accepted_at()).await;
    let unrouted = given::emit(store, NewEvent::new("call.ended", "{}").key("unrouted")).await;
    let mut foreign = keyed("foreign", &[one]);
    foreign.tenant = "acme".to_owned();
    given::accept_due(store, foreign).await;

    let keys = ["delivered", "mixed", "absent", "pending", "nobody", "unrouted", "foreign", "mixed"].map(str::to_owned);
    let told = async |keys: &[String], expected: Expected| {
        let outcomes = store.outcomes_of_keys(keys, &expected).await.unwrap();
        outcomes.into_iter().map(|outcome| (outcome.fate, outcome.delivery)).collect::<Vec<_>>()
    };
    let dead = (Fate::Dead, Some(mixed[1].id));
    let good = (Fate::Delivered, Some(delivered.id));
    let (never, unmatched) = ((Fate::NeverEmitted, None), (Fate::Unmatched, None));
    let all = told(&keys, Expected::default()).await;
    let waits = (Fate::Pending, Some(pending.id));
    assert_eq!(all[..6], [good, dead, never, waits, unmatched, (Fate::Pending, None)]);
    assert_eq!((all[6].0, all[7]), (Fate::Pending, dead), "a key may be given twice");
    let of_default = told(&keys, Expected { tenant: Some("default".to_owned()), ..Expected::default() }).await;
    assert_eq!((&of_default[..6], of_default[6]), (&all[..6], never));
    let of_one = told(&keys, Expected { endpoint: Some(one), ..Expected::default() }).await;
    assert_eq!(of_one[1], (Fate::Delivered, Some(mixed[0].id)));
    let of_other = told(&keys, Expected { endpoint: Some(other), ..Expected::default() }).await;
    assert_eq!((of_other[0], of_other[1], of_other[3]), (unmatched, dead, unmatched));
    let late = told(&keys, Expected { late_after: Some(Duration::ZERO), ..Expected::default() }).await;
    assert_eq!(late[0].0, Fate::DeliveredLate);
    let before = Span { since: None, until: Some(delivered.id.event().accepted_at()) };
    assert_eq!(told(&keys, Expected { accepted: before, ..Expected::default() }).await, vec![never; keys.len()]);
    let since = Span { since: Some(unrouted.accepted_at()), until: None };
    let lately = told(&keys, Expected { accepted: since, ..Expected::default() }).await;
    assert_eq!((lately[3], lately[5].0), (never, Fate::Pending));
    assert_eq!(told(&[], Expected::default()).await, []);

    let many: Vec<_> = (0..1_000).map(|number| format!("call-{number}")).collect();
    for step in many.chunks(250) {
        let events = step.iter().step_by(2).map(|key| keyed(key, &[one])).collect();
        given::accept_group(store, events).await;
    }
    let fates = told(&many, Expected::default()).await;
    let expected = |number: usize| if number.is_multiple_of(2) { Fate::Pending } else { Fate::NeverEmitted };
    assert!(fates.iter().enumerate().all(|(number, (fate, _))| *fate == expected(number)), "{fates:?}");
}
