//! Schemas of the parts of answers that the engine serialises itself.

#![expect(dead_code, reason = "the engine serialises its own types; these are only described")]

use utoipa::ToSchema;

use super::values::{EventType, Key, Tenant, Time, WarningCode};

/// Where the time of an attempt went; `null` for what was not entered.
#[derive(ToSchema)]
pub(crate) struct Timings {
    #[schema(required)]
    dns_ms: Option<f64>,
    #[schema(required)]
    connect_ms: Option<f64>,
    #[schema(required)]
    tls_ms: Option<f64>,
    #[schema(required)]
    head_ms: Option<f64>,
    #[schema(required)]
    body_ms: Option<f64>,
}

/// How often and when a failed delivery is tried again.
#[derive(ToSchema)]
#[schema(as = EffectiveRetry)]
pub(crate) struct Retry {
    max_attempts: u32,
    delays_ms: Vec<u64>,
    jitter: f64,
}

/// What was understood and taken, but is probably a mistake.
#[derive(ToSchema)]
pub(crate) struct Warning {
    code: WarningCode,
    /// Where it stands in the request (RFC 6901).
    pointer: String,
    detail: String,
}

/// Where an event stands in the trace of whoever emitted it: the headers of W3C Trace Context.
#[derive(ToSchema)]
#[schema(as = TraceContext)]
pub(crate) struct Trace {
    traceparent: String,
    tracestate: Option<String>,
}

/// What the last 24 hours brought, to the minute. Times are of delivered and failed attempts alike, right to within 6 %,
/// `null` if there were none.
#[derive(ToSchema)]
pub(crate) struct LastDay {
    delivered: u64,
    failed: u64,
    /// Deliveries that became dead letters, with or without an attempt.
    dead: u64,
    #[schema(required)]
    p50_ms: Option<f64>,
    #[schema(required)]
    p99_ms: Option<f64>,
}

/// What one step brought.
#[derive(ToSchema)]
pub(crate) struct Figures {
    /// When the step began.
    at: Time,
    attempts: FigureAttempts,
    /// Attempts that were the first of their deliveries.
    first_attempts: u64,
    /// Deliveries that became dead letters, with or without an attempt.
    dead: u64,
    duration_ms: Percentiles,
}

/// Attempts by how they ended: `delivered`, `failed`, and of the failed ones how many for each class of error.
#[derive(ToSchema)]
pub(crate) struct FigureAttempts {
    delivered: u64,
    failed: u64,
    #[serde(flatten)]
    errors: std::collections::BTreeMap<String, u64>,
}

/// What 50, 95 and 99 of 100 attempts did not exceed, right to within 6 %; `null` if there were none.
#[derive(ToSchema)]
pub(crate) struct Percentiles {
    #[schema(required)]
    p50: Option<f64>,
    #[schema(required)]
    p95: Option<f64>,
    #[schema(required)]
    p99: Option<f64>,
}

/// What an expunge was asked for. A key that is erased reads `***`.
#[derive(ToSchema)]
#[schema(as = ExpungedFilter)]
pub(crate) struct ExpungeFilter {
    tenant: Tenant,
    #[schema(nullable = false)]
    key: Option<Key>,
    #[schema(nullable = false)]
    r#type: Option<EventType>,
    #[schema(nullable = false)]
    since: Option<Time>,
    #[schema(nullable = false)]
    until: Option<Time>,
}

/// What was accepted and what became of it.
#[derive(ToSchema)]
pub(crate) struct Ledger {
    events: LedgerEvents,
    deliveries: LedgerDeliveries,
}

/// `accepted = unrouted + duplicate + unmatched + routed`
#[derive(ToSchema)]
pub(crate) struct LedgerEvents {
    accepted: i64,
    unrouted: i64,
    duplicate: i64,
    unmatched: i64,
    routed: i64,
}

/// `owed = pending + delivered + dead + cancelled`
#[derive(ToSchema)]
pub(crate) struct LedgerDeliveries {
    owed: i64,
    pending: i64,
    delivered: i64,
    dead: i64,
    cancelled: i64,
}
