//! The parts of the API's answers that the commands show. Unknown fields are ignored: a newer server may have more.

use std::collections::BTreeMap;

use ringback::{
    endpoint::{Retry, Scheme},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::print::{self, plain};

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    /// Newest first.
    pub(crate) items: Vec<T>,
    /// Where the next page begins.
    pub(crate) next_cursor: Option<String>,
}

/// Dead letters in groups.
#[derive(Debug, Deserialize)]
pub(crate) struct Groups {
    /// Newest death first.
    pub(crate) items: Vec<Group>,
    /// How many more there are.
    #[serde(default)]
    pub(crate) more: u64,
}

/// Dead letters that have destination, type, cause and last answer in common.
#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) tenant: String,
    pub(crate) endpoint_id: Option<String>,
    pub(crate) host: Option<String>,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) reason: String,
    pub(crate) last_error: Option<String>,
    pub(crate) last_status_code: Option<u16>,
    pub(crate) count: u64,
    pub(crate) first_died_at: Timestamp,
    pub(crate) last_died_at: Timestamp,
    pub(crate) example: String,
}

/// The answer to an emit.
#[derive(Debug, Deserialize)]
pub(crate) struct Emitted {
    /// The event, or the first one if this was a duplicate.
    pub(crate) id: String,
    /// Whether nothing was stored.
    pub(crate) duplicate: bool,
    /// What was accepted but is probably a mistake.
    #[serde(default)]
    pub(crate) warnings: Vec<Warning>,
}

/// Something that is probably a mistake.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Warning {
    /// The kind of warning.
    pub(crate) code: String,
    /// The pointer to the field.
    #[serde(default)]
    pub(crate) pointer: String,
    /// What.
    #[serde(default)]
    pub(crate) detail: String,
}

/// An event; the last two only when it was asked for alone.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) tenant: String,
    pub(crate) key: Option<String>,
    #[serde(default)]
    pub(crate) idempotency_key: Option<String>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) state: String,
    pub(crate) duplicate_of: Option<String>,
    pub(crate) payload_bytes: u64,
    pub(crate) expunged_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) routing: Vec<Routing>,
    #[serde(default)]
    pub(crate) deliveries: Vec<Delivery>,
}

/// Why an endpoint got an event, or did not.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Routing {
    pub(crate) endpoint_id: Option<String>,
    pub(crate) endpoint_key: Option<String>,
    pub(crate) verdict: String,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) filter_failed: Option<String>,
}

/// A delivery or a dead letter; attempts only when it was asked for alone.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) event_id: String,
    pub(crate) endpoint_id: Option<String>,
    pub(crate) tenant: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) key: Option<String>,
    /// `None` if an inline destination cannot be read.
    pub(crate) url: Option<String>,
    pub(crate) status: String,
    pub(crate) dead_reason: Option<String>,
    pub(crate) attempt_count: u32,
    #[serde(default)]
    pub(crate) max_attempts: Option<u32>,
    #[serde(default)]
    pub(crate) policy_origin: Option<String>,
    pub(crate) next_attempt_at: Option<Timestamp>,
    pub(crate) held_until: Option<Timestamp>,
    pub(crate) hold_reason: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) died_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) last_status_code: Option<u16>,
    #[serde(default)]
    pub(crate) last_error: Option<String>,
    #[serde(default)]
    pub(crate) attempts: Vec<Attempt>,
}

/// One try.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) number: u32,
    pub(crate) at: Timestamp,
    pub(crate) outcome: String,
    pub(crate) status_code: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) phase: Option<String>,
    pub(crate) duration_ms: f64,
    pub(crate) remote_addr: Option<String>,
    #[serde(default)]
    pub(crate) response: Option<Response>,
}

impl Warning {
    /// Prints it on standard error.
    pub(crate) fn tell(&self) {
        let told = format!("{} {}: {}", self.code, self.pointer, self.detail);
        print::note(format_args!("warning: {}", plain(&told)));
    }
}

impl Delivery {
    /// Where the delivery goes, for people.
    pub(crate) fn to(&self) -> &str {
        self.url.as_deref().unwrap_or("a destination that cannot be read")
    }
}

/// What came back.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Response {
    pub(crate) body: Option<String>,
    pub(crate) body_encoding: Option<String>,
}

/// An endpoint.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) tenant: String,
    pub(crate) key: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) paused: bool,
    pub(crate) disabled_reason: Option<String>,
    /// A server of an earlier version does not tell.
    #[serde(default)]
    pub(crate) health: Option<Health>,
    pub(crate) event_types: Vec<String>,
    pub(crate) preset: String,
    pub(crate) scheme: Scheme,
    pub(crate) has_secret: bool,
    pub(crate) public_key: Option<String>,
    #[serde(default)]
    pub(crate) rotation: Option<Rotation>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) auth: Option<Auth>,
    /// A server of an earlier version does not tell.
    #[serde(default)]
    pub(crate) tls: Option<Tls>,
    pub(crate) timeout_ms: u64,
    pub(crate) retry: Retry,
    pub(crate) max_in_flight: u32,
    pub(crate) rate_per_second: Option<f64>,
    pub(crate) ordered: bool,
    pub(crate) on_dead: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Only in the answer to the request that created it.
    #[serde(default)]
    pub(crate) secret: Option<String>,
    #[serde(default)]
    pub(crate) warnings: Vec<Warning>,
    /// All other fields.
    #[serde(flatten)]
    pub(crate) others: serde_json::Map<String, serde_json::Value>,
}

/// Authorization beside the signature, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Auth {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// TLS of an endpoint's own, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tls {
    pub(crate) client_certificate: Option<String>,
    pub(crate) ca: Option<String>,
}

impl Endpoint {
    /// The types it wants, for people.
    pub(crate) fn selects(&self) -> String {
        if self.event_types.is_empty() { "nothing".to_owned() } else { self.event_types.join(", ") }
    }

    /// Whether it sends, and if not, why.
    pub(crate) fn state(&self) -> String {
        match (&self.disabled_reason, self.enabled, self.paused) {
            (Some(reason), false, _) => format!("disabled ({reason})"),
            (None, false, _) => "disabled".to_owned(),
            (_, true, true) => "paused".to_owned(),
            (_, true, false) => match &self.health {
                None => "enabled".to_owned(),
                Some(Health { state, hold_reason: Some(reason), .. }) if state == "held" => format!("held ({reason})"),
                Some(health) => health.state.clone(),
            },
        }
    }
}

/// How an endpoint does.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Health {
    pub(crate) state: String,
    pub(crate) since: Timestamp,
    pub(crate) hold_reason: Option<String>,
    pub(crate) held_until: Option<Timestamp>,
    pub(crate) pending: u64,
    pub(crate) oldest_due_at: Option<Timestamp>,
    pub(crate) last_success_at: Option<Timestamp>,
    pub(crate) last_failure: Option<LastFailure>,
}

/// The last attempt that failed.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LastFailure {
    pub(crate) at: Timestamp,
    pub(crate) error: Option<String>,
    pub(crate) status_code: Option<u16>,
}

impl LastFailure {
    /// The status that was answered, or what went wrong.
    pub(crate) fn told(&self) -> String {
        let status = self.status_code.map(|status| status.to_string());
        plain(&status.or_else(|| self.error.clone()).unwrap_or_else(|| "failed".to_owned()))
    }
}

/// Figures, oldest first.
#[derive(Debug, Deserialize)]
pub(crate) struct FigureList {
    pub(crate) items: Vec<Figures>,
}

/// What one step brought.
#[derive(Debug, Deserialize)]
pub(crate) struct Figures {
    pub(crate) at: Timestamp,
    pub(crate) attempts: FigureAttempts,
    pub(crate) first_attempts: u64,
    pub(crate) dead: u64,
    pub(crate) duration_ms: Percentiles,
}

/// Attempts by how they ended.
#[derive(Debug, Deserialize)]
pub(crate) struct FigureAttempts {
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    #[serde(flatten)]
    pub(crate) errors: BTreeMap<String, u64>,
}

/// How long attempts took.
#[derive(Debug, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
}

/// A rotation of a secret that has not ended.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) secrets: usize,
    pub(crate) overlap_until: Option<Timestamp>,
    pub(crate) switch_at: Option<Timestamp>,
}

/// A secret that was rotated.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rotated {
    /// `None` where an ed25519 key was given.
    pub(crate) secret: Option<String>,
    pub(crate) overlap_until: Option<Timestamp>,
    pub(crate) switch_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) warnings: Vec<Warning>,
}

/// A test event that was sent.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TestSent {
    pub(crate) event_id: String,
    pub(crate) delivery_id: String,
}

/// A replay of many.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Replay {
    pub(crate) id: Option<String>,
    pub(crate) state: String,
    pub(crate) matched: u64,
    pub(crate) released: u64,
    pub(crate) skipped: u64,
    pub(crate) remaining: u64,
    pub(crate) delivered: u64,
    pub(crate) dead: u64,
    pub(crate) bytes: u64,
    #[serde(default)]
    pub(crate) rate_per_second: Option<f64>,
    #[serde(default)]
    pub(crate) filter: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) created_at: Option<Timestamp>,
}

/// An expunge of many.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Expunge {
    pub(crate) id: Option<String>,
    pub(crate) matched: u64,
    pub(crate) skipped: u64,
    pub(crate) remaining: u64,
    pub(crate) bytes: u64,
    pub(crate) receipt: Option<Receipt>,
}

/// What an expunge erased.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) events: u64,
    pub(crate) payload_bytes: u64,
    pub(crate) deliveries_cancelled: u64,
    pub(crate) attempts: u64,
    pub(crate) ids_sha256: String,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
}

/// A change, as the audit log has it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Change {
    pub(crate) at: Timestamp,
    pub(crate) who: String,
    pub(crate) action: String,
    pub(crate) object_id: String,
    pub(crate) tenant: Option<String>,
    pub(crate) before: Option<serde_json::Map<String, serde_json::Value>>,
    pub(crate) after: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The ledger.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Ledger {
    pub(crate) events: LedgerEvents,
    pub(crate) deliveries: LedgerDeliveries,
}

impl Ledger {
    /// Whether everything that was accepted, and everything that is owed, is accounted for.
    pub(crate) const fn adds_up(&self) -> bool {
        let (events, deliveries) = (&self.events, &self.deliveries);
        events.accepted == events.unrouted + events.duplicate + events.unmatched + events.routed
            && deliveries.owed == deliveries.pending + deliveries.delivered + deliveries.dead + deliveries.cancelled
    }
}

/// Events.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct LedgerEvents {
    pub(crate) accepted: u64,
    pub(crate) unrouted: u64,
    pub(crate) duplicate: u64,
    pub(crate) unmatched: u64,
    pub(crate) routed: u64,
}

/// Deliveries.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct LedgerDeliveries {
    pub(crate) owed: u64,
    pub(crate) pending: u64,
    pub(crate) delivered: u64,
    pub(crate) dead: u64,
    pub(crate) cancelled: u64,
}
