//! What the API should answer, in memory: endpoints, events, deliveries and what becomes of them at receivers whose
//! answers are known. It is written after the contract and shares no code with Ringback.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a receiver answers; its URL's path says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// 204.
    Takes,
    /// 500.
    Fails,
    /// 503 to the first attempt, 204 to later ones.
    Wavers,
    /// 410.
    Gone,
    /// 429 with a `Retry-After` of an hour: how much is tried before the hold is a matter of timing.
    Busy,
}

impl Manner {
    /// All of them with the paths that they are at.
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Takes, "/204"),
        (Self::Fails, "/500"),
        (Self::Wavers, "/flaky"),
        (Self::Gone, "/410"),
        (Self::Busy, "/429"),
    ];

    /// The path that it is at.
    #[must_use]
    pub(super) fn path(self) -> &'static str {
        Self::ALL.iter().find(|(manner, _)| *manner == self).map_or("/204", |(_, path)| path)
    }
}

/// An endpoint as the calls left it.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// Its tenant.
    pub(super) tenant: &'static str,
    /// Its key.
    pub(super) key: Option<&'static str>,
    /// What its receiver does.
    pub(super) manner: Manner,
    /// What it selects.
    pub(super) types: Vec<String>,
    /// Attempts of a budget.
    pub(super) attempts_max: i64,
    /// As asked for, or false after a 410.
    pub(super) enabled: bool,
    /// By an operator.
    pub(super) paused: bool,
    /// Gone from lists.
    pub(super) deleted: bool,
    /// A rotation was asked for: older secrets may sign on, which another secret must not end.
    pub(super) rotated: bool,
}

/// An event that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Its tenant.
    pub(super) tenant: &'static str,
    /// Its type.
    pub(super) event_type: String,
    /// Its key.
    pub(super) key: Option<&'static str>,
    /// Events of one batch have the same.
    pub(super) moment: usize,
    /// Its payload is removed.
    pub(super) expunged: bool,
    /// What it made, in no order.
    pub(super) deliveries: Vec<Delivery>,
}

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Owed.
    Pending,
    /// Received.
    Delivered,
    /// Given up.
    Dead,
    /// Not to be sent any more.
    Cancelled,
    /// A matter of timing.
    Unknown,
}

impl Fate {
    /// As `status` says it.
    #[must_use]
    pub(super) const fn status(self) -> Option<&'static str> {
        match self {
            Self::Pending => Some("pending"),
            Self::Delivered => Some("delivered"),
            Self::Dead => Some("dead"),
            Self::Cancelled => Some("cancelled"),
            Self::Unknown => None,
        }
    }
}

/// One delivery.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    /// The number of its endpoint; `None` if inline.
    pub(super) endpoint: Option<usize>,
    /// What an inline destination does, and its budget.
    pub(super) inline: (Manner, i64),
    /// What has become of it.
    pub(super) fate: Fate,
    /// A replay of it waits although it was delivered once.
    pub(super) again: bool,
    /// How often it was tried, where that is no matter of timing.
    pub(super) attempts: Option<i64>,
    /// It is sent also while its endpoint is not enabled.
    pub(super) test: bool,
}

/// Everything that is known. Endpoints and events are numbered from 1, as their names are.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Every endpoint ever made.
    pub(super) endpoints: Vec<Endpoint>,
    /// Every event ever accepted.
    pub(super) events: Vec<Event>,
    /// By tenant, type and idempotency key an event and what it was about.
    pub(super) once: BTreeMap<(&'static str, String, String), (usize, String)>,
    /// Moments of acceptance so far.
    pub(super) moments: usize,
    /// Replays made.
    pub(super) replays: usize,
}

impl Model {
    /// Endpoints of a tenant that are not deleted, with their numbers.
    pub(super) fn live(&self, tenant: &str) -> impl Iterator<Item = (usize, &Endpoint)> {
        let live = self.endpoints.iter().enumerate().filter(|(_, endpoint)| !endpoint.deleted);
        live.filter(move |(_, endpoint)| endpoint.tenant == tenant)
    }

    /// Whom an event goes to, by the tenant's endpoints as they are now.
    #[must_use]
    pub(super) fn addressed(&self, tenant: &str, event_type: &str, keys: Option<&[&str]>) -> Vec<usize> {
        let is_addressed =
            |endpoint: &Endpoint| keys.is_none_or(|keys| endpoint.key.is_some_and(|key| keys.contains(&key)));
        let selects = |endpoint: &Endpoint| endpoint.types.iter().any(|pattern| matches(pattern, event_type));
        self.live(tenant).filter(|(_, it)| is_addressed(it) && selects(it)).map(|(number, _)| number).collect()
    }

    /// Sends what may be sent, until nothing is due.
    pub(super) fn run(&mut self) {
        for event in 0..self.events.len() {
            for delivery in 0..self.events[event].deliveries.len() {
                self.send(event, delivery);
            }
        }
    }

    fn send(&mut self, event: usize, number: usize) {
        let delivery = &mut self.events[event].deliveries[number];
        if delivery.fate != Fate::Pending && !delivery.again {
            return;
        }
        let (manner, budget, is_open) = match delivery.endpoint {
            None => (delivery.inline.0, delivery.inline.1, true),
            Some(endpoint) => {
                let endpoint = &self.endpoints[endpoint];
                let is_open = endpoint.enabled && !endpoint.paused || delivery.test;
                (endpoint.manner, endpoint.attempts_max, is_open)
            }
        };
        if !is_open {
            // A 410 may have come to some of a lane before it was closed.
            if manner == Manner::Gone {
                delivery.attempts = None;
            }
            return;
        }
        let before = delivery.attempts.unwrap_or_default();
        let (fate, attempts) = match manner {
            Manner::Takes => (Fate::Delivered, Some(before + 1)),
            Manner::Wavers if before > 0 => (Fate::Delivered, Some(before + 1)),
            Manner::Wavers if budget > 1 => (Fate::Delivered, Some(before + 2)),
            Manner::Wavers => (Fate::Dead, Some(before + 1)),
            Manner::Fails => (Fate::Dead, Some(before + budget)),
            Manner::Gone if delivery.endpoint.is_none() || delivery.test => (Fate::Dead, None),
            Manner::Gone => (Fate::Pending, None),
            Manner::Busy => (Fate::Unknown, None),
        };
        delivery.attempts = delivery.attempts.and(attempts);
        // What was delivered once stays so, whatever a replay of it comes to.
        if !delivery.again || fate == Fate::Unknown {
            delivery.fate = fate;
        }
        delivery.again = delivery.again && fate == Fate::Pending;
        if let (Fate::Pending, Some(endpoint)) = (fate, delivery.endpoint) {
            self.endpoints[endpoint].enabled = false;
        }
    }

    /// Puts a delivery back into its lane; the code of the refusal, if it cannot be.
    ///
    /// # Errors
    /// The code that the API refuses it with; an empty one where timing decides.
    pub(super) fn replay(&mut self, event: usize, number: usize) -> Result<(), &'static str> {
        let expunged = self.events[event].expunged;
        let endpoint = self.events[event].deliveries[number].endpoint;
        let deleted = endpoint.is_some_and(|endpoint| self.endpoints[endpoint].deleted);
        let delivery = &mut self.events[event].deliveries[number];
        match delivery.fate {
            Fate::Unknown => return Err(""),
            Fate::Pending => return Err("pending"),
            Fate::Delivered if delivery.again => return Err("pending"),
            _ if expunged => return Err(if delivery.fate == Fate::Cancelled { "" } else { "payload_expunged" }),
            Fate::Cancelled => return Err("cancelled"),
            _ if deleted => return Err("endpoint_deleted"),
            Fate::Delivered => delivery.again = true,
            Fate::Dead => delivery.fate = Fate::Pending,
        }
        Ok(())
    }

    /// Cancels what an endpoint is still owed.
    pub(super) fn delete(&mut self, endpoint: usize) {
        self.endpoints[endpoint].deleted = true;
        for delivery in self.events.iter_mut().flat_map(|event| &mut event.deliveries) {
            if delivery.endpoint == Some(endpoint) {
                delivery.again = false;
                if delivery.fate == Fate::Pending {
                    delivery.fate = Fate::Cancelled;
                }
            }
        }
    }

    /// Removes an event's payload.
    pub(super) fn expunge(&mut self, event: usize) {
        let event = &mut self.events[event];
        event.expunged = true;
        for delivery in &mut event.deliveries {
            delivery.again = false;
            if matches!(delivery.fate, Fate::Pending | Fate::Dead) {
                delivery.fate = Fate::Cancelled;
            }
        }
    }

    /// What the ledger must say, as the least and the most of each count.
    #[must_use]
    pub(super) fn ledger(&self) -> BTreeMap<&'static str, (i64, i64)> {
        let deliveries = || self.events.iter().flat_map(|event| &event.deliveries);
        let unknown = count(deliveries().filter(|it| it.fate == Fate::Unknown));
        let mut counts = BTreeMap::new();
        for fate in [Fate::Pending, Fate::Delivered, Fate::Dead, Fate::Cancelled] {
            let known = count(deliveries().filter(|it| it.fate == fate));
            counts.insert(fate.status().unwrap_or_default(), (known, known + unknown));
        }
        let owed = count(deliveries());
        counts.insert("owed", (owed, owed));
        counts
    }

    /// What is wrong with an event as it was answered.
    #[must_use]
    pub(super) fn contradicts(&self, event: usize, answered: &Value) -> Option<String> {
        let expected = &self.events[event];
        let answered = answered["deliveries"].as_array()?;
        if answered.len() != expected.deliveries.len() {
            return Some(format!("{} deliveries expected", expected.deliveries.len()));
        }
        for delivery in &expected.deliveries {
            let name = delivery.endpoint.map_or(Value::Null, |number| Value::from(format!("ep#{}", number + 1)));
            let Some(found) = answered.iter().find(|found| found["endpoint_id"] == name) else {
                return Some(format!("a delivery to {name} expected"));
            };
            if delivery.fate.status().is_some_and(|status| found["status"] != status) {
                return Some(format!("{name}: {:?} expected", delivery.fate));
            }
            let attempts = delivery.attempts.filter(|_| found.get("attempt_count").is_some());
            if attempts.is_some_and(|attempts| found["attempt_count"] != attempts) {
                return Some(format!("{name}: {attempts:?} attempts expected"));
            }
        }
        None
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

/// Whether a pattern of `event_types` selects a type.
fn matches(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => event_type.starts_with(prefix),
        None => pattern == event_type,
    }
}
