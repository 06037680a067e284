//! Erasing the contents of events: of one event at once, of many as a job with a receipt.

use serde::{Deserialize, Serialize};

use super::{Result, Span};
use crate::{
    audit::Entry,
    endpoint::MASK,
    id::{EventId, ExpungeId},
    time::Timestamp,
    word::words,
};

/// Whether the keys that callers gave an event are erased with its payload: `key`, `ordering_key`, `idempotency_key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// They stay: the event is still found by them.
    Keep,
    /// They are erased, too. A repeated emit under the idempotency key is a new event then.
    Erase,
}

/// Which events of a tenant an expunge erases; all given conditions hold. Serialised as in the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpungeFilter {
    /// Of this tenant.
    pub tenant: String,
    /// With this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Of this type.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Accepted in this time.
    #[serde(flatten)]
    pub accepted: Span,
}

/// An expunge of many events, to be created.
#[derive(Debug, Clone)]
pub struct ExpungeToCreate {
    /// Its id.
    pub id: ExpungeId,
    /// The events that it erases.
    pub filter: ExpungeFilter,
    /// Whether keys are erased, too.
    pub keys: Keys,
    /// Only count: nothing is stored.
    pub dry_run: bool,
}

impl ExpungeToCreate {
    /// The filter as it is stored and shown: a key that is to be erased is masked.
    #[must_use]
    pub fn shown(&self) -> ExpungeFilter {
        let key = match self.keys {
            Keys::Keep => self.filter.key.clone(),
            Keys::Erase => self.filter.key.as_ref().map(|_| MASK.to_owned()),
        };
        ExpungeFilter { key, ..self.filter.clone() }
    }
}

words! {
    /// Where an expunge stands. A preview is not stored.
    ExpungeState {
        Preview = 0 "preview": "a dry run: counted, not stored",
        Running = 1 "running": "erasing",
        Completed = 2 "completed": "everything was erased, and there is a receipt",
    }
}

/// The sums of what was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Events of which something was erased.
    pub events: i64,
    /// Bytes of the payloads removed, as they were accepted.
    pub payload_bytes: i64,
    /// Pending deliveries and dead letters that became cancelled.
    pub cancelled: i64,
    /// Attempts whose answers were removed.
    pub attempts: i64,
}

/// An expunge and its counts: `matched = erased.events + skipped + remaining`.
#[derive(Debug, Clone)]
pub struct ExpungeRow {
    /// Its id; `None` for a preview.
    pub id: Option<ExpungeId>,
    /// The events that it erases, as [`ExpungeToCreate::shown`] has it.
    pub filter: ExpungeFilter,
    /// Where it stands.
    pub state: ExpungeState,
    /// Whether keys are erased, too.
    pub keys: Keys,
    /// Events in the fixed set that its filter found.
    pub matched: i64,
    /// Payload bytes of the matched events.
    pub bytes: i64,
    /// What was erased so far.
    pub erased: Erased,
    /// Events that had been erased before, or that retention has removed meanwhile.
    pub skipped: i64,
    /// Events that were not looked at yet.
    pub remaining: i64,
    /// The digest over the ids of the fixed set, once everything is erased. See [`super::rules::erasing::IdsDigest`].
    pub digest: Option<String>,
    /// Who asked for it, as the audit log names them.
    pub by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the receipt was written.
    pub finished_at: Option<Timestamp>,
}

impl ExpungeRow {
    /// The answer to a dry run that found `matched` events, with payloads of `bytes` in all.
    #[must_use]
    pub fn preview(expunge: &ExpungeToCreate, matched: i64, bytes: i64, record: &Entry) -> Self {
        Self {
            id: None,
            filter: expunge.shown(),
            state: ExpungeState::Preview,
            keys: expunge.keys,
            matched,
            bytes,
            erased: Erased::default(),
            skipped: 0,
            remaining: matched,
            digest: None,
            by: record.by.who.to_string(),
            created_at: Timestamp::now(),
            finished_at: None,
        }
    }
}

/// Erases.
#[async_trait::async_trait]
pub trait Expunging {
    /// Removes for good an event's payload, what its attempts kept of answers, and its keys if wanted. Its pending
    /// deliveries and dead letters become cancelled, and a change tells every node. `None` if there is no such event;
    /// zeros, without writing `record`, if all of it was erased before.
    async fn expunge(&self, id: EventId, keys: Keys, record: &Entry) -> Result<Option<Erased>>;

    /// Fixes the set that the filter finds now. A dry run only counts it and does not write `record`.
    async fn create_expunge(&self, expunge: &ExpungeToCreate, record: &Entry) -> Result<ExpungeRow>;

    /// One expunge with its counts.
    async fn expunge_of_many(&self, id: ExpungeId) -> Result<Option<ExpungeRow>>;

    /// Expunges that are running, oldest first.
    async fn running_expunges(&self) -> Result<Vec<ExpungeId>>;

    /// Erases up to `count` further events of a running expunge, each like [`Expunging::expunge`]. Once none remains, each
    /// call takes one bounded step towards the receipt, which may take minutes like a step of upkeep. False if the expunge
    /// is not running any more.
    async fn expunge_next(&self, id: ExpungeId, count: u32) -> Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_to_be_erased_is_not_shown() {
        let filter = ExpungeFilter {
            tenant: "acme".to_owned(),
            key: Some("canary".to_owned()),
            event_type: None,
            accepted: Span { since: None, until: Some("2026-01-31T00:00:00Z".parse().unwrap()) },
        };
        let shown = |keys| {
            let id = ExpungeId::new(Timestamp::from_millis(1));
            let expunge = ExpungeToCreate { id, filter: filter.clone(), keys, dry_run: false };
            serde_json::to_string(&expunge.shown()).unwrap()
        };
        assert_eq!(shown(Keys::Keep), r#"{"tenant":"acme","key":"canary","until":"2026-01-31T00:00:00Z"}"#);
        assert_eq!(shown(Keys::Erase), r#"{"tenant":"acme","key":"***","until":"2026-01-31T00:00:00Z"}"#);
        let read: ExpungeFilter = serde_json::from_str(&shown(Keys::Keep)).unwrap();
        assert_eq!(read, filter, "as it was kept, so it is read");
    }
}
