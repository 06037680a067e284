//! Which event holds an idempotency key, and what becomes of other events with the same key.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    id::EventId,
    store::{Accepted, EventToAccept, RoutedEvent},
    time::Timestamp,
};

/// What makes two events the same one. Stores that lock keys do so in this order, so that no two transactions deadlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a> {
    /// The tenant that owns the events.
    pub tenant: &'a str,
    /// The events' type.
    pub event_type: &'a str,
    /// The key itself.
    pub key: &'a str,
}

impl<'a> Name<'a> {
    /// The name of an event that was emitted through the engine; `None` without an idempotency key.
    #[must_use]
    pub fn of_accepted(event: &'a EventToAccept) -> Option<Self> {
        let key = event.idempotency_key.as_deref()?;
        Some(Self { tenant: &event.tenant, event_type: &event.event_type, key })
    }

    /// The name of an event that came through the outbox; `None` without an idempotency key.
    #[must_use]
    pub fn of_routed(routed: &'a RoutedEvent) -> Option<Self> {
        let event = &routed.event;
        let key = event.idempotency_key.as_deref()?;
        Some(Self { tenant: &event.tenant, event_type: &event.event_type, key })
    }
}

/// The event that holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder<'a> {
    /// Its id.
    pub event: EventId,
    /// Its content, to be compared. `None` for an event that came through the outbox: any content counts as the same.
    pub content: Option<Cow<'a, [u8]>>,
}

/// The holders of keys. A key without a holder is not in the map.
pub type Holders<'a> = BTreeMap<Name<'a>, Holder<'a>>;

impl<'a> Holder<'a> {
    /// An event that is to hold its key.
    #[must_use]
    pub fn accepted(event: &'a EventToAccept) -> Self {
        Self { event: event.id, content: Some(Cow::Borrowed(&event.content)) }
    }

    /// An event that is to hold its key, whatever its content.
    #[must_use]
    pub const fn routed(event: EventId) -> Self {
        Self { event, content: None }
    }

    /// Whether an event came within `window` of the holder; a later event takes the key over.
    fn counts_for(&self, event: EventId, window: Duration) -> bool {
        holds_at(event.accepted_at(), self.event, window)
    }
}

/// Whether an event that took a key holds it at this moment: until `window` after it was accepted.
fn holds_at(moment: Timestamp, holder: EventId, window: Duration) -> bool {
    moment < holder.accepted_at() + window
}

/// A key is looked for under so many pairs of tenant and type: as the key stands last in the index, each pair is a step, and
/// so many steps are some tenths of a second of a database's time.
pub const NAMES_MAX: u32 = 10_000;

/// Of the events that took a key, under whatever tenant and type, those that hold it now: the newest first, at most `most`.
#[must_use]
pub fn holders_now(mut took: Vec<EventId>, now: Timestamp, window: Duration, most: u32) -> Vec<EventId> {
    took.retain(|&event| holds_at(now, event, window));
    took.sort_unstable_by_key(|event| std::cmp::Reverse(*event));
    took.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    took
}

/// What would become of an event that is alone in its group; its deliveries are left empty.
#[must_use]
pub fn judge(event: &EventToAccept, holders: &Holders<'_>, window: Duration) -> Accepted {
    let holder = Name::of_accepted(event).and_then(|name| holders.get(&name));
    let Some(holder) = holder.filter(|holder| holder.counts_for(event.id, window)) else {
        return Accepted::New(Vec::new());
    };
    match &holder.content {
        Some(content) if **content != event.content => Accepted::Conflict(holder.event),
        _ => Accepted::Duplicate(holder.event),
    }
}

/// A page of the outbox, folded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folded<'a> {
    /// The events that are duplicates, each with the event that it duplicates.
    pub duplicates: HashMap<EventId, EventId>,
    /// The keys that an event of the page holds from now on.
    pub taken: Holders<'a>,
}

/// Folds events into the ones that hold their keys within `window`: into earlier holders, and into each other, in the order
/// in which they are given.
#[must_use]
pub fn fold<'a>(
    events: impl IntoIterator<Item = &'a RoutedEvent>,
    holders: &Holders<'a>,
    window: Duration,
) -> Folded<'a> {
    let mut folded = Folded::default();
    for routed in events {
        let Some(name) = Name::of_routed(routed) else { continue };
        let id = routed.event.id;
        let holder = folded.taken.get(&name).or_else(|| holders.get(&name));
        if let Some(holder) = holder.filter(|holder| holder.counts_for(id, window)) {
            folded.duplicates.insert(id, holder.event);
        } else {
            folded.taken.insert(name, Holder::routed(id));
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        event::Event,
        store::{Pointer, Routing, Verdict},
    };

    const WINDOW: Duration = Duration::from_secs(60);

    fn id(second: u64) -> EventId {
        EventId::new(Timestamp::from_micros(1_700_000_000_000_000) + Duration::from_secs(second))
    }

    const ROUTING: Routing = Routing { config_version: 1, verdict: Verdict::Unmatched };

    fn accepted(second: u64, content: u8) -> EventToAccept {
        EventToAccept {
            id: id(second),
            tenant: "default".to_owned(),
            event_type: "CALL_ENDED".to_owned(),
            key: None,
            ordering_key: None,
            idempotency_key: Some("once".to_owned()),
            content: [content; 32],
            occurred_at: id(second).accepted_at(),
            endpoint_keys: None,
            destination: None,
            trace: None,
            schedule: Default::default(),
            metadata: None,
            test: false,
            payload: Bytes::new(),
            routing: ROUTING,
        }
    }

    fn routed(second: u64, key: Option<&str>) -> RoutedEvent {
        let seq = i64::try_from(second).unwrap();
        let event = Event { seq, idempotency_key: key.map(str::to_owned), ..Event::plain(id(second)) };
        RoutedEvent { pointer: Pointer { xid: 0, seq }, event, routing: ROUTING }
    }

    #[test]
    fn a_key_stands_for_its_first_event_until_the_window_ends() {
        let first = accepted(0, 1);
        let name = Name::of_accepted(&first).unwrap();
        let holders = Holders::from([(name, Holder::accepted(&first))]);
        let by_sql = Holders::from([(name, Holder::routed(first.id))]);
        let judge = |event: EventToAccept, holders: &Holders<'_>| judge(&event, holders, WINDOW);
        assert_eq!(judge(accepted(59, 1), &holders), Accepted::Duplicate(first.id));
        assert_eq!(judge(accepted(59, 2), &holders), Accepted::Conflict(first.id));
        assert_eq!(judge(accepted(59, 2), &by_sql), Accepted::Duplicate(first.id), "nothing is there to compare");
        assert_eq!(judge(accepted(60, 2), &holders), Accepted::New(Vec::new()));
        assert_eq!(judge(accepted(59, 2), &Holders::new()), Accepted::New(Vec::new()));
        assert_eq!(
            judge(EventToAccept { idempotency_key: None, ..accepted(59, 2) }, &holders),
            Accepted::New(Vec::new())
        );
    }

    #[test]
    fn the_newest_that_hold_a_key_now_are_told() {
        let (old, first, second) = (id(0), id(30), id(40));
        let now = id(60).accepted_at();
        assert_eq!(
            holders_now(vec![first, old, second], now, WINDOW, 10),
            [second, first],
            "the old one's has just ended"
        );
        assert_eq!(holders_now(vec![first, old, second], now, WINDOW, 1), [second]);
    }

    #[test]
    fn events_of_a_page_fold_into_what_was_there_and_into_each_other() {
        let page = [(10, Some("a")), (11, Some("b")), (12, None), (13, Some("b")), (70, Some("a")), (80, Some("a"))];
        let page = page.map(|(second, key)| routed(second, key));
        let before = id(0);
        let holders = Holders::from([(Name::of_routed(&page[0]).unwrap(), Holder::routed(before))]);
        let folded = fold(&page, &holders, WINDOW);
        let duplicates = [(&page[0], before), (&page[3], page[1].event.id), (&page[5], page[4].event.id)];
        assert_eq!(folded.duplicates, duplicates.map(|(it, first)| (it.event.id, first)).into());
        let taken: Vec<_> = folded.taken.iter().map(|(name, holder)| (name.key, holder.event)).collect();
        assert_eq!(taken, [("a", page[4].event.id), ("b", page[1].event.id)]);
    }
}
