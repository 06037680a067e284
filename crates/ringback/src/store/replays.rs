//! Replays: which deliveries are sent again, and how far a replay has come.

use serde::{Deserialize, Serialize};

use super::{DoneBefore, Once, Span};
use crate::{
    delivery::{DeadReason, LaneId},
    id::{EndpointId, ReplayId},
    time::Timestamp,
    word::words,
};

/// The result of replaying one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayOne {
    /// It is due again.
    Released,
    /// It is pending already.
    Pending,
    /// It was cancelled.
    Cancelled,
    /// Its payload is gone.
    Expunged,
    /// Its endpoint is deleted.
    EndpointDeleted,
    /// It is not what was asked for any more: no dead letter, dead for another reason, or its endpoint is at another host.
    Unfit,
    /// There is no such delivery.
    Absent,
}

/// Which deliveries a replay of one may send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayOf {
    /// A dead letter or a delivered one.
    Either,
    /// A dead letter only.
    DeadLetter,
}

/// Where an inline delivery goes from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The event's destination: the JSON text of [`crate::endpoint::KeptDestination`].
    pub destination: String,
    /// The lane of its URL.
    pub lane: LaneId,
}

words! {
    /// What a replay of many sends.
    Replayed {
        Dead "dead": "dead letters",
        Delivered "delivered": "delivered ones, once more",
        Missing "missing": "events that an endpoint now selects and has no delivery of: each gets a new delivery",
    }
}

/// Which deliveries a replay sends again. All given conditions must hold both when the set is fixed and when a delivery's
/// turn comes. Serialised as in the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayFilter {
    /// Of this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// To this endpoint.
    #[serde(rename = "endpoint_id", default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointId>,
    /// Of this type.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Of events with this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// To this host, as URLs write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Deliveries with this status.
    pub status: Replayed,
    /// Dead for this reason. Only of [`Replayed::Dead`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DeadReason>,
    /// Dead after an answer with this status code. Only of [`Replayed::Dead`].
    #[serde(rename = "last_status_code", default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Created in this time.
    #[serde(flatten)]
    pub created: Span,
}

impl ReplayFilter {
    /// Everything with this status.
    #[must_use]
    pub fn all(status: Replayed) -> Self {
        Self {
            tenant: None,
            endpoint: None,
            event_type: None,
            key: None,
            host: None,
            status,
            reason: None,
            last_status: None,
            created: Span::default(),
        }
    }
}

/// A filter, with the parts of the present configuration that it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayScope {
    /// The conditions.
    pub filter: ReplayFilter,
    /// The endpoints whose URLs are at the filter's host now. Only if the filter has a host.
    pub at_host: Vec<EndpointId>,
    /// The filter's endpoint with its present selectors. Only of [`Replayed::Missing`]; `None` if the endpoint is deleted.
    pub wanting: Option<Wanting>,
}

impl ReplayScope {
    /// The scope of a filter that does not depend on the configuration.
    #[must_use]
    pub const fn of(filter: ReplayFilter) -> Self {
        Self { filter, at_host: Vec::new(), wanting: None }
    }
}

/// The parts of an endpoint that decide which events are missing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanting {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The tenant that owns it.
    pub tenant: String,
    /// Its key.
    pub key: Option<String>,
    /// Its selectors.
    pub event_types: Vec<String>,
    /// Whether the events of one ordering key are sent one after the other.
    pub ordered: bool,
}

/// A replay to be created.
#[derive(Debug, Clone)]
pub struct ReplayToCreate {
    /// Its id.
    pub id: ReplayId,
    /// The deliveries that it sends again.
    pub scope: ReplayScope,
    /// Releases per second; as fast as possible if unset.
    pub rate_per_second: Option<f64>,
    /// Why, for the record.
    pub note: Option<String>,
    /// Only count: nothing is stored.
    pub dry_run: bool,
    /// The key under which its request is carried out once. A dry run creates nothing and takes no key.
    pub once: Option<Once>,
}

/// The result of creating a replay.
#[derive(Debug, Clone)]
pub enum Created {
    /// The replay, or what a dry run has counted.
    Replay(Box<ReplayRow>),
    /// The request was carried out before, and created this.
    Before(DoneBefore),
}

/// Which replays to list; all given conditions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayListFilter<'a> {
    /// Replays whose filter names this tenant.
    pub tenant: Option<&'a str>,
    /// In this state.
    pub state: Option<ReplayState>,
    /// Created in this time.
    pub created: Span,
}

words! {
    /// Where a replay stands. A preview is not stored.
    ReplayState {
        Preview = 0 "preview": "a dry run: counted, not stored",
        Running = 1 "running": "releasing",
        Completed = 2 "completed": "every delivery was released or skipped",
        Cancelled = 3 "cancelled": "stopped by an operator; what was released stays released",
    }
}

/// A replay and its counts: `matched = released + skipped + remaining`.
#[derive(Debug, Clone)]
pub struct ReplayRow {
    /// Its id; `None` for a preview.
    pub id: Option<ReplayId>,
    /// The deliveries that it sends again.
    pub filter: ReplayFilter,
    /// Where it stands.
    pub state: ReplayState,
    /// Deliveries in the fixed set that its filter found.
    pub matched: i64,
    /// Deliveries that were put back into their lanes.
    pub released: i64,
    /// Deliveries that did not fit any more when their turn came: not what the filter asks for, pending again, expunged,
    /// discarded, or their endpoint is deleted.
    pub skipped: i64,
    /// Deliveries that were not looked at yet.
    pub remaining: i64,
    /// Released deliveries that were delivered since.
    pub delivered: i64,
    /// Released deliveries that became dead letters since.
    pub dead: i64,
    /// Payload bytes of the matched deliveries.
    pub bytes: i64,
    /// Releases per second.
    pub rate_per_second: Option<f64>,
    /// Why, for the record.
    pub note: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was completed or cancelled.
    pub finished_at: Option<Timestamp>,
}

impl ReplayRow {
    /// The answer to a dry run that found `matched` deliveries, with payloads of `bytes` in all.
    #[must_use]
    pub fn preview(replay: &ReplayToCreate, matched: i64, bytes: i64) -> Self {
        Self {
            id: None,
            filter: replay.scope.filter.clone(),
            state: ReplayState::Preview,
            matched,
            released: 0,
            skipped: 0,
            remaining: matched,
            delivered: 0,
            dead: 0,
            bytes,
            rate_per_second: replay.rate_per_second,
            note: replay.note.clone(),
            created_at: Timestamp::now(),
            finished_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_was_kept_by_an_earlier_version_is_read() {
        let kept = r#"{"tenant":"acme","type":"call.ended","status":"dead","since":"2026-01-30T00:00:00Z"}"#;
        let filter: ReplayFilter = serde_json::from_str(kept).unwrap();
        assert_eq!((filter.tenant.as_deref(), filter.status), (Some("acme"), Replayed::Dead));
        assert!(filter.created.since.is_some() && filter.created.until.is_none() && filter.host.is_none());
        let again = serde_json::to_string(&ReplayFilter { reason: Some(DeadReason::Gone), ..filter.clone() }).unwrap();
        assert!(again.contains(r#""reason":"gone""#) && !again.contains("null"), "{again}");
    }
}
