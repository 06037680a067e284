//! The queries and headers that routes read, as parameters. A test asks every route which parameters it knows and
//! compares.

#![expect(dead_code, reason = "queries are read parameter by parameter; these are only described")]

use utoipa::IntoParams;

use super::values::{
    BytesAs, Cursor, DeadReason, EndpointId, EventId, EventState, EventType, Flag, Key, Limit, Status,
    StoredReplayState, Tenant, Time,
};

/// How much of a list, and from where on. Beside what narrows it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    #[param(inline)]
    limit: Option<Limit>,
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// `GET /v1/events`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Events {
    #[param(inline)]
    tenant: Option<Tenant>,
    #[param(inline)]
    r#type: Option<EventType>,
    #[param(inline)]
    key: Option<Key>,
    /// What became of them in routing. A page looks at 1,000 events, so that it may be empty although more follow.
    #[param(inline)]
    state: Option<EventState>,
    /// Accepted at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Accepted before.
    #[param(inline)]
    until: Option<Time>,
}

/// `GET /v1/find`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Find {
    /// A key, the beginning of keys, an idempotency key, or an id.
    #[param(min_length = 1, max_length = 256)]
    q: String,
    #[param(inline)]
    tenant: Option<Tenant>,
}

/// `POST /v1/gaps`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Gaps {
    #[param(inline)]
    tenant: Option<Tenant>,
    /// Only deliveries to this endpoint.
    #[param(inline)]
    endpoint_id: Option<EndpointId>,
    /// Of events accepted at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Of events accepted before.
    #[param(inline)]
    until: Option<Time>,
    /// From how many seconds after it was accepted on a delivery is late; 300 unless given.
    #[param(minimum = 0, maximum = 2592000)]
    late_after: Option<u32>,
}

/// Figures: `GET /v1/endpoints/{id}/figures`, and with [`OfTenant`] `GET /v1/figures`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Figures {
    /// From then on; 24 hours before `until` unless given.
    #[param(inline)]
    since: Option<Time>,
    /// Before then; now unless given.
    #[param(inline)]
    until: Option<Time>,
    /// How long a step is: whole minutes, at most 1,500 steps. Unless given, one that gives at most 100.
    #[param(pattern = "^[0-9]+(ms|s|m|h|d)?$", example = "15m")]
    step: Option<String>,
}

/// What nothing but a tenant narrows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfTenant {
    #[param(inline)]
    tenant: Option<Tenant>,
}

/// `GET /v1/deliveries`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Deliveries {
    #[param(inline)]
    tenant: Option<Tenant>,
    #[param(inline)]
    endpoint_id: Option<EndpointId>,
    #[param(inline)]
    event_id: Option<EventId>,
    #[param(inline)]
    r#type: Option<EventType>,
    #[param(inline)]
    key: Option<Key>,
    /// The host of the URL it goes to.
    #[param(min_length = 1, max_length = 255)]
    host: Option<String>,
    #[param(inline)]
    status: Option<Status>,
    /// Created at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Created before.
    #[param(inline)]
    until: Option<Time>,
}

/// `GET /v1/dead-letters`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeadLetters {
    #[param(inline)]
    tenant: Option<Tenant>,
    #[param(inline)]
    endpoint_id: Option<EndpointId>,
    #[param(inline)]
    r#type: Option<EventType>,
    #[param(inline)]
    key: Option<Key>,
    #[param(inline)]
    reason: Option<DeadReason>,
    /// Died at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Died before.
    #[param(inline)]
    until: Option<Time>,
}

/// `GET /v1/dead-letters/groups`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeadLetterGroups {
    #[param(inline)]
    tenant: Option<Tenant>,
    #[param(inline)]
    endpoint_id: Option<EndpointId>,
    #[param(inline)]
    r#type: Option<EventType>,
    #[param(inline)]
    reason: Option<DeadReason>,
    /// Died at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Died before.
    #[param(inline)]
    until: Option<Time>,
}

/// `GET /v1/replays`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Replays {
    #[param(inline)]
    state: Option<StoredReplayState>,
    #[param(inline)]
    tenant: Option<Tenant>,
    /// Made at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Made before.
    #[param(inline)]
    until: Option<Time>,
}

/// `GET /v1/events/{id}/payload`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichBytes {
    /// `emitted`, the payload, unless given; or `sent`, the body of requests.
    #[param(inline, rename = "as")]
    which: Option<BytesAs>,
    /// With `as=sent`: the endpoint whose requests are meant. May be left out where the event has one delivery.
    #[param(inline)]
    endpoint_id: Option<EndpointId>,
}

/// Expunging
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WithKeys {
    /// Whether `key`, `ordering_key` and `idempotency_key` are erased, too; `false` unless given.
    #[param(inline)]
    key: Option<Flag>,
}

/// `GET /v1/audit`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Audit {
    /// Made by this one, as `who` names them.
    #[param(inline)]
    who: Option<Key>,
    /// Of this kind, as `action` names it.
    #[param(inline)]
    action: Option<Key>,
    /// Of the object with this id.
    #[param(inline)]
    object: Option<Key>,
    /// Made at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Made before.
    #[param(inline)]
    until: Option<Time>,
}

/// `GET /v1/ledger`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Ledger {
    #[param(inline)]
    tenant: Option<Tenant>,
    /// Of events accepted at or after.
    #[param(inline)]
    since: Option<Time>,
    /// Of events accepted before.
    #[param(inline)]
    until: Option<Time>,
}

/// Changing an endpoint only as it was seen.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatch {
    /// The `ETag` of the version that is meant; any version where it is left out or `*`.
    #[param(rename = "If-Match", pattern = "^(\\*|(W/)?\"[^\"]*\")$", example = "\"7\"")]
    if_match: Option<String>,
}

/// Making an endpoint, a replay or a test once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct OnceKey {
    /// A second request with this key and the same body, within 24 hours and for the same tenant and route, makes nothing
    /// and is answered as the first; with another body it is refused. Quoted or not.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 256)]
    idempotency_key: Option<String>,
}

/// Handing an event in once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyKey {
    /// An alias of the field `idempotency_key`; quoted or not.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 256)]
    idempotency_key: Option<String>,
}
