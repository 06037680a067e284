//! Events that the router cannot record because others hold locks that it needs, such as the row of an idempotency key: they
//! wait aside, and events of other tenants do not wait for them. Pure.
//!
//! An event that shares a name with one that waits waits behind it: the order within an ordering key, and which of two
//! events is the duplicate of the other, stay as they are.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    event::Event,
    store::{Floor, Pointer, RoutedEvent, UnroutedEvent},
};

/// Between tries of the events that wait. Each try of them makes other events wait for as long as the store waits for locks.
const AGAIN: Duration = Duration::from_secs(1);

/// Most events that wait: the router reads them again with each page. Beyond that the whole outbox waits.
pub(super) const ASIDE_MAX: usize = 4_096;

/// For how long the router looks for the events of a page that are locked, by trying ever smaller parts; what has not been
/// told apart by then waits together.
pub(super) const LOOKED_FOR: Duration = Duration::from_secs(1);

/// The events that wait, by their pointers.
#[derive(Debug, Default)]
pub(super) struct Aside {
    waiting: BTreeSet<Pointer>,
    again_at: Option<Instant>,
}

impl Aside {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Lets an event wait. False if too many others do.
    pub(super) fn put(&mut self, pointer: Pointer) -> bool {
        if self.waiting.len() >= ASIDE_MAX && !self.has(pointer) {
            return false;
        }
        self.waiting.insert(pointer);
        true
    }

    /// The event was recorded.
    pub(super) fn take(&mut self, pointer: Pointer) {
        self.waiting.remove(&pointer);
    }

    /// Whether an event waits.
    pub(super) fn has(&self, pointer: Pointer) -> bool {
        self.waiting.contains(&pointer)
    }

    /// Whether the events that wait are to be tried again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.again_at.is_none_or(|at| at <= now)
    }

    /// They were tried.
    pub(super) fn tried(&mut self, now: Instant) {
        self.again_at = Some(now + AGAIN);
    }

    /// Parts a page into events that can be tried at once and those that wait or have to wait behind them, both in order.
    pub(super) fn part(&mut self, page: Vec<UnroutedEvent>) -> (Vec<UnroutedEvent>, Vec<UnroutedEvent>) {
        if self.waiting.is_empty() {
            return (page, Vec::new());
        }
        // Another node, which had the shard meanwhile, may have recorded some.
        let there: BTreeSet<Pointer> = page.iter().map(|event| event.pointer).collect();
        let last = page.last().map(|event| event.pointer);
        self.waiting.retain(|pointer| there.contains(pointer) || last.is_some_and(|last| last < *pointer));
        let mut names = Names::default();
        page.into_iter().partition(|UnroutedEvent { pointer, event }| {
            let waits = self.has(*pointer) || names.has_one_of(event);
            if waits {
                names.add(event);
            }
            !waits
        })
    }

    /// The floor for the next read: it must not pass an event that waits.
    pub(super) fn bound(&self, next: Floor) -> Floor {
        self.waiting.first().map_or(next, |first| next.min(Floor(first.xid)))
    }
}

/// Names that events share: an idempotency key, an ordering key.
#[derive(Default)]
pub(super) struct Names(HashSet<(Kind, String, String, String)>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Idempotency,
    Ordering,
}

impl Names {
    pub(super) fn add(&mut self, event: &Event) {
        self.0.extend(names_of(event));
    }

    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_one_of(&self, event: &Event) -> bool {
        !self.are_none() && names_of(event).any(|name| self.0.contains(&name))
    }
}

fn names_of(event: &Event) -> impl Iterator<Item = (Kind, String, String, String)> {
    let tenant = || event.tenant.clone();
    let idempotency =
        event.idempotency_key.clone().map(|key| (Kind::Idempotency, tenant(), event.event_type.clone(), key));
    let ordering = event.ordering_key.clone().map(|key| (Kind::Ordering, tenant(), String::new(), key));
    idempotency.into_iter().chain(ordering)
}

/// Parts events of which some are locked: first those without idempotency keys, which are seldom the cause, unless they come
/// behind one with a key in the order of their ordering key; then halves. The second part is empty for a single event.
pub(super) fn part_locked(events: Vec<RoutedEvent>) -> (Vec<RoutedEvent>, Vec<RoutedEvent>) {
    let mut names = Names::default();
    let (mut first, mut second): (Vec<_>, Vec<_>) = events.into_iter().partition(|RoutedEvent { event, .. }| {
        let is_keyed = event.idempotency_key.is_some() || names.has_one_of(event);
        if is_keyed {
            names.add(event);
        }
        !is_keyed
    });
    if first.is_empty() {
        std::mem::swap(&mut first, &mut second);
    }
    if second.is_empty() {
        second = first.split_off(first.len().div_ceil(2));
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::EventId,
        store::{Routing, Verdict},
        time::Timestamp,
    };

    const NAMES: [&str; 3] = ["", "a", "b"];

    /// Of one digit each: transaction, idempotency key, ordering key.
    fn event((seq, xid): (i64, i64), idempotency: usize, ordering: usize) -> UnroutedEvent {
        let key = |place: usize| (place > 0).then(|| NAMES[place].to_owned());
        let plain = Event::plain(EventId::new(Timestamp::default()));
        let event = Event { idempotency_key: key(idempotency), ordering_key: key(ordering), ..plain };
        UnroutedEvent { pointer: Pointer { xid, seq }, event }
    }

    fn page(keys: &[(usize, usize)]) -> Vec<UnroutedEvent> {
        (1..).zip(keys).map(|(seq, &(idempotency, ordering))| event((seq, 10 + seq), idempotency, ordering)).collect()
    }

    fn places(events: &[UnroutedEvent]) -> Vec<i64> {
        events.iter().map(|event| event.pointer.seq).collect()
    }

    fn routed(event: UnroutedEvent) -> RoutedEvent {
        let routing = Routing { config_version: 1, verdict: Verdict::Unmatched };
        RoutedEvent { pointer: event.pointer, event: event.event, routing }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_tried_once_in_a_while_and_holds_the_floor() {
        let mut aside = Aside::default();
        assert_eq!(aside.bound(Floor(20)), Floor(20));
        assert!(aside.put(Pointer { xid: 12, seq: 2 }) && aside.put(Pointer { xid: 11, seq: 1 }));
        assert_eq!((aside.bound(Floor(20)), aside.bound(Floor(3))), (Floor(11), Floor(3)));
        assert!(aside.is_due(Instant::now()));
        aside.tried(Instant::now());
        assert!(!aside.is_due(Instant::now()));
        tokio::time::advance(AGAIN).await;
        assert!(aside.is_due(Instant::now()));
        aside.take(Pointer { xid: 11, seq: 1 });
        assert_eq!(aside.bound(Floor(20)), Floor(12));
    }

    #[test]
    fn an_event_waits_behind_one_that_waits_and_shares_a_name_with_it() {
        let mut aside = Aside::default();
        assert!(aside.put(Pointer { xid: 12, seq: 2 }));
        // The second waits; the third has its idempotency key, the fourth the third's ordering key.
        let (ready, behind) = aside.part(page(&[(1, 1), (1, 0), (1, 2), (0, 2), (2, 1), (0, 0)]));
        assert_eq!((places(&ready), places(&behind)), (vec![1, 5, 6], vec![2, 3, 4]));
    }

    #[test]
    fn what_is_gone_from_the_outbox_waits_no_more_unless_the_page_ends_before_it() {
        let mut aside = Aside::default();
        for pointer in [Pointer { xid: 9, seq: 9 }, Pointer { xid: 12, seq: 2 }, Pointer { xid: 20, seq: 30 }] {
            assert!(aside.put(pointer));
        }
        let _ = aside.part(page(&[(0, 0), (0, 0), (0, 0)]));
        assert_eq!(aside.len(), 2);
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut aside = Aside::default();
        let put = (0..).map(|seq| aside.put(Pointer { xid: 1, seq })).take_while(|put| *put).count();
        assert_eq!(put, ASIDE_MAX);
    }

    #[test]
    fn events_without_keys_go_before_those_that_may_be_locked_and_those_behind_them() {
        let part = |keys: &[(usize, usize)]| {
            let (first, second) = part_locked(page(keys).into_iter().map(routed).collect());
            let places = |part: Vec<RoutedEvent>| part.iter().map(|it| it.pointer.seq).collect::<Vec<_>>();
            (places(first), places(second))
        };
        assert_eq!(part(&[(1, 1), (0, 0), (0, 1), (0, 2)]), (vec![2, 4], vec![1, 3]));
        assert_eq!(part(&[(1, 0), (2, 0), (1, 0)]), (vec![1, 2], vec![3]));
        assert_eq!(part(&[(0, 0), (0, 0)]), (vec![1], vec![2]));
        assert_eq!(part(&[(1, 0)]), (vec![1], vec![]));
    }
}
