//! What a store holds, as simply as it can be said.

use std::collections::BTreeMap;

use bytes::Bytes;
use ringback::{
    attempt::Conclusion,
    delivery::{DeadReason, Due, LaneId, Status},
    endpoint::StoredEndpoint,
    id::{DeliveryId, EndpointId, EventId, ExpungeId, ReplayId},
    store::{ExpungeState, Keys, Ledger, Pointer, Recorded, ReplayScope, ReplayState, UnroutedEvent},
};

/// An event, and its content unless that was forgotten.
type Keyed = (EventId, Option<[u8; 32]>);

/// Everything, and what happened.
#[derive(Default)]
pub(super) struct House {
    pub(super) events: BTreeMap<EventId, Event>,
    pub(super) deliveries: BTreeMap<DeliveryId, Delivery>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) replays: Vec<Replay>,
    pub(super) expunges: Vec<Expunge>,
    /// What retention removed, as the ledger goes on counting it.
    pub(super) gone: BTreeMap<String, Ledger>,
    /// Which event an idempotency key belongs to, by (tenant, key).
    pub(super) keys: BTreeMap<(String, String), Keyed>,
    /// Deliveries as they were once handed out: their outcomes may come at any time.
    pub(super) handed_out: Vec<Due>,
    /// Outcomes that were applied, which may come again.
    pub(super) applied: Vec<Recorded>,
    /// Pages of the outbox that a slow router may still be busy with.
    pub(super) read: Vec<UnroutedEvent>,
    pub(super) told: Told,
    /// Counts what must have an order.
    pub(super) clock: u64,
}

pub(super) struct Event {
    pub(super) id: EventId,
    pub(super) tenant: String,
    pub(super) key: Option<String>,
    pub(super) idempotency_key: Option<String>,
    pub(super) payload: Bytes,
    pub(super) destination: Option<String>,
    pub(super) routed: Routed,
    pub(super) expunged: bool,
    /// Its payload was removed by retention.
    pub(super) faded: bool,
    /// Where it stands in the order of emission.
    pub(super) place: u64,
    pub(super) days_old: u32,
}

/// What routing made of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routed {
    Not(Option<Pointer>),
    Unmatched,
    Duplicate(EventId),
    Deliveries,
}

#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) id: DeliveryId,
    pub(super) lane: LaneId,
    pub(super) endpoint: Option<EndpointId>,
    pub(super) ordering_key: Option<String>,
    pub(super) place: u64,
    pub(super) status: Status,
    pub(super) death: Option<Death>,
    /// Waits to be sent, for the first time or again.
    pub(super) owed: Option<Owed>,
    pub(super) attempts: i32,
    /// Every attempt that is kept, in the order of (number, time).
    pub(super) tries: Vec<(i32, i64, Conclusion)>,
    pub(super) replayed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Death {
    pub(super) reason: DeadReason,
    pub(super) last_status: Option<u16>,
    pub(super) blocks: bool,
    /// The order of deaths; those of one call are one.
    pub(super) when: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owed {
    /// By now; otherwise in an hour.
    pub(super) is_due: bool,
    pub(super) attempts_at_refill: i32,
}

pub(super) struct Endpoint {
    pub(super) stored: StoredEndpoint,
    pub(super) ordered: bool,
    pub(super) blocks: bool,
}

impl Endpoint {
    pub(super) fn is_deleted(&self) -> bool {
        self.stored.deleted_at.is_some()
    }
}

pub(super) struct Replay {
    pub(super) id: ReplayId,
    pub(super) scope: ReplayScope,
    pub(super) state: ReplayState,
    /// In the order in which they are released.
    pub(super) left: Vec<DeliveryId>,
    pub(super) released: i64,
    pub(super) skipped: i64,
}

pub(super) struct Expunge {
    pub(super) id: ExpungeId,
    pub(super) keys: Keys,
    pub(super) state: ExpungeState,
    pub(super) left: Vec<EventId>,
    pub(super) erased: i64,
    pub(super) skipped: i64,
}

/// Calls so far, in words. Says what led there if the life goes wrong: what differs is in the panic itself.
#[derive(Default)]
pub(super) struct Told {
    seed: u64,
    calls: Vec<String>,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = &self.calls[self.calls.len().saturating_sub(12)..];
            eprintln!("seed {}, call {}; the last were:\n{}", self.seed, self.calls.len(), last.join("\n"));
        }
    }
}

impl House {
    pub(super) fn of(seed: u64) -> Self {
        Self { told: Told { seed, calls: Vec::new() }, ..Self::default() }
    }

    /// A moment later than every one before.
    pub(super) fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub(super) fn tell(&mut self, what: impl Into<String>) {
        self.told.calls.push(what.into());
    }

    pub(super) fn endpoint(&self, id: EndpointId) -> &Endpoint {
        self.endpoints.iter().find(|endpoint| endpoint.stored.id == id).unwrap()
    }

    pub(super) fn of_event(&self, id: EventId) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values().filter(move |delivery| delivery.id.event() == id)
    }

    /// Whether somebody is still owed something of an event, or it died.
    pub(super) fn is_wanted(&self, id: EventId) -> bool {
        matches!(self.events[&id].routed, Routed::Not(_))
            || self.of_event(id).any(|delivery| delivery.owed.is_some() || delivery.status == Status::Dead)
    }

    /// What a feed gives: of each ordering key the first that is owed, if it is due and none before it died in the way.
    pub(super) fn due(&self) -> Vec<DeliveryId> {
        let mut heads: BTreeMap<(i64, &str), (u64, bool)> = BTreeMap::new();
        for delivery in self.deliveries.values() {
            let Some(key) = delivery.ordering_key.as_deref() else { continue };
            let in_the_way = delivery.death.is_some_and(|death| death.blocks);
            if delivery.is_in_order() || in_the_way {
                let head = heads.entry((delivery.lane.as_i64(), key)).or_insert((delivery.place, in_the_way));
                if delivery.place < head.0 {
                    *head = (delivery.place, in_the_way);
                }
            }
        }
        let may_go = |delivery: &Delivery| match (delivery.ordering_key.as_deref(), delivery.is_in_order()) {
            (Some(key), true) => heads[&(delivery.lane.as_i64(), key)] == (delivery.place, false),
            _ => true,
        };
        let due = self.deliveries.values().filter(|it| it.owed.is_some_and(|owed| owed.is_due) && may_go(it));
        due.map(|delivery| delivery.id).collect()
    }

    /// The ledger of one tenant, or of all.
    pub(super) fn ledger(&self, tenant: Option<&str>) -> Ledger {
        let mut ledger = Ledger::default();
        for (_, gone) in self.gone.iter().filter(|(of, _)| tenant.is_none_or(|tenant| *of == tenant)) {
            add(&mut ledger, gone);
        }
        for event in self.events.values().filter(|event| tenant.is_none_or(|tenant| event.tenant == tenant)) {
            add(&mut ledger, &event.counted());
            for delivery in self.of_event(event.id) {
                add(&mut ledger, &delivery.counted());
            }
        }
        ledger
    }

    /// Removes a delivery; the ledger goes on counting it.
    pub(super) fn forget_delivery(&mut self, id: DeliveryId) {
        let counted = self.deliveries.remove(&id).unwrap().counted();
        let tenant = self.events[&id.event()].tenant.clone();
        add(self.gone.entry(tenant).or_default(), &counted);
    }

    /// Removes an event and all that came of it; the ledger goes on counting them.
    pub(super) fn forget_event(&mut self, id: EventId) {
        let all: Vec<_> = self.of_event(id).map(|delivery| delivery.id).collect();
        all.into_iter().for_each(|delivery| self.forget_delivery(delivery));
        let event = self.events.remove(&id).unwrap();
        add(self.gone.entry(event.tenant.clone()).or_default(), &event.counted());
    }
}

impl Event {
    fn counted(&self) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.events.accepted = 1;
        match self.routed {
            Routed::Not(_) => ledger.events.unrouted = 1,
            Routed::Unmatched => ledger.events.unmatched = 1,
            Routed::Duplicate(_) => ledger.events.duplicate = 1,
            Routed::Deliveries => ledger.events.routed = 1,
        }
        ledger
    }
}

impl Delivery {
    /// Waits in the order of its key; a delivered one that is sent again does not.
    fn is_in_order(&self) -> bool {
        self.status == Status::Pending && self.ordering_key.is_some()
    }

    fn counted(&self) -> Ledger {
        let mut ledger = Ledger::default();
        let deliveries = &mut ledger.deliveries;
        deliveries.owed = 1;
        match self.status {
            Status::Pending => deliveries.pending = 1,
            Status::Delivered => deliveries.delivered = 1,
            Status::Dead => deliveries.dead = 1,
            Status::Cancelled => deliveries.cancelled = 1,
        }
        ledger
    }

    /// Ends what is owed without an answer.
    pub(super) fn cancel(&mut self) {
        self.owed = None;
        if matches!(self.status, Status::Pending | Status::Dead) {
            (self.status, self.death) = (Status::Cancelled, None);
        }
    }

    /// Owes it again, at once and with a full budget of tries.
    pub(super) fn release(&mut self) {
        if self.status == Status::Dead {
            (self.status, self.death) = (Status::Pending, None);
        }
        self.replayed = true;
        self.owed = Some(Owed { is_due: true, attempts_at_refill: self.attempts });
    }

    /// Gives it up, unless it was delivered before.
    pub(super) fn die(&mut self, death: Death) {
        self.owed = None;
        if self.status == Status::Pending {
            (self.status, self.death) = (Status::Dead, Some(death));
        }
    }
}

fn add(sum: &mut Ledger, more: &Ledger) {
    let (events, deliveries) = (&mut sum.events, &mut sum.deliveries);
    events.accepted += more.events.accepted;
    events.unrouted += more.events.unrouted;
    events.duplicate += more.events.duplicate;
    events.unmatched += more.events.unmatched;
    events.routed += more.events.routed;
    deliveries.owed += more.deliveries.owed;
    deliveries.pending += more.deliveries.pending;
    deliveries.delivered += more.deliveries.delivered;
    deliveries.dead += more.deliveries.dead;
    deliveries.cancelled += more.deliveries.cancelled;
}
