//! The bodies that routes read, as schemas. The routes read field by field, so that a refusal names each that is
//! wrong; a test hands every example below to its route and finds that each of its fields is read.

#![expect(dead_code, reason = "requests are read field by field; these are only described")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::settings::{Door, with_settings};
use super::values::{
    ClientAuthentication, DeadReason, DeliveryId, Digest, Encoding, EndpointId, EventId, EventType, Key, KeyFormat,
    Life, Metadata, PortalScope, Preset, ReplayedStatus, SchemeName, Selector, SigningSecret, Tenant, Time, Url,
};

/// A certificate authority, for examples: nobody has its key.
const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUUMjP/QdzlGLCzGBGOcafPrgg1zwwCgYIKoZIzj0EAwIw
JTEjMCEGA1UEAwwaQSByZWNlaXZlcidzIG93biBhdXRob3JpdHkwIBcNMjYxMTMw
MjI0MDQ4WhgPMjEyNjExMDYyMjQwNDhaMCUxIzAhBgNVBAMMGkEgcmVjZWl2ZXIn
cyBvd24gYXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOSfeOSLj
LTJSEAZrPyZAwj6RcgjMFvbcglNCMtQiiW6MqNcNE4CKBZeErDfch5DS8+eR5Mm/
sD6JoqKxiftE6aNTMFEwHQYDVR0OBBYEFKkjrcgMQ1u2l2iaBb7wZXtqAGubMB8G
A1UdIwQYMBaAFKkjrcgMQ1u2l2iaBb7wZXtqAGubMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgFWgtm5CN5Sh7I6opK/vgFnWeo7XLKI9ooEcUdqJ/
kmMCIB4/kAUidBGa37QyPUCuf6/VrONNiNr+MIwHge7hCZwM
-----END CERTIFICATE-----
";

/// An event.
#[derive(ToSchema)]
#[schema(example = json!({
    "type": "call.ended",
    "payload": {"call_id": "call-42", "duration_seconds": 61.50},
    "tenant": "acme",
    "key": "call-42",
    "ordering_key": "call-42",
    "idempotency_key": "call-42-ended",
    "occurred_at": "2026-01-31T12:00:00Z",
    "endpoint_keys": [],
    "trace": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "acme=call-42"},
    "deliver_after": "2026-01-31T12:00:00Z",
    "expires_at": "2126-01-31T12:00:00Z",
    "metadata": {"campaign": "spring"},
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvent {
    r#type: EventType,
    /// Any JSON value, at most `max_payload_bytes` and nested at most 128 deep. Signed and sent byte for byte as it
    /// stands here, from its first byte to its last.
    payload: Value,
    tenant: Option<Tenant>,
    /// The platform's own id for the thing; events can be found by it.
    key: Option<Key>,
    /// Endpoints that are `ordered` get the events of one ordering key one after the other.
    ordering_key: Option<Key>,
    /// A second event with the same key, type and tenant within the idempotency window is the same event.
    idempotency_key: Option<Key>,
    /// When it happened; when it was accepted, unless given.
    occurred_at: Option<Time>,
    /// Only endpoints with these keys get it. Not together with `destination`.
    #[schema(max_items = 1000)]
    endpoint_keys: Option<Vec<Key>>,
    /// It goes here alone. Not together with `endpoint_keys`.
    destination: Option<Destination>,
    /// Where it stands in the platform's trace; the request's own `traceparent` and `tracestate`, unless given.
    trace: Option<Trace>,
    /// No attempt before this; at most 30 days ahead.
    deliver_after: Option<Time>,
    /// Dead, as `expired`, if no attempt has begun by then; later than `deliver_after`.
    expires_at: Option<Time>,
    /// What it is told apart by: events are searched by it (`metadata.NAME=VALUE`).
    metadata: Option<Metadata>,
}

/// Where an event stands in the trace of whoever emitted it: the headers of W3C Trace Context.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trace {
    #[schema(
        pattern = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
        example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    )]
    traceparent: String,
    #[schema(max_length = 512, example = "acme=call-42")]
    tracestate: Option<String>,
}

/// Up to 1,000 events; all are taken or none.
#[derive(ToSchema)]
#[schema(example = json!({
    "events": [
        {"type": "call.started", "payload": {"call_id": "call-43"}},
        {"type": "call.ended", "payload": {"call_id": "call-43"}, "key": "call-43"},
    ],
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvents {
    #[schema(min_items = 1, max_items = 1000)]
    events: Vec<NewEvent>,
}

/// A destination that comes with one event.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Destination {
    url: Url,
    /// Secret, scheme, headers and policy come from this endpoint of the tenant.
    endpoint_key: Option<Key>,
    /// `external` unless given.
    preset: Option<Preset>,
    scheme: Option<Scheme>,
    secret: Option<SigningSecret>,
    /// Sent with their names as they are spelled here.
    headers: Option<BTreeMap<String, String>>,
    #[schema(minimum = 100, maximum = 60000)]
    timeout_ms: Option<u32>,
    retry: Option<Retry>,
}

/// An endpoint. What is left out comes from the preset or has a default.
#[derive(ToSchema)]
#[schema(example = json!({
    "url": "https://hooks.example.com/ringback",
    "tenant": "acme",
    "key": "agent-7",
    "enabled": true,
    "event_types": ["call.*"],
    "preset": "default",
    "scheme": "standard",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "headers": {"x-source": "ringback {tenant}"},
    "auth": {"type": "bearer", "token": "a-token-of-theirs"},
    "tls": {"ca": AUTHORITY},
    "retry": {"max_attempts": 3, "delays_ms": [10000, 60000], "jitter": 0.2},
}))]
#[serde(deny_unknown_fields)]
struct UnsetEndpoint {
    url: Url,
    tenant: Option<Tenant>,
    /// The platform's own name for it, unique in its tenant.
    key: Option<Key>,
    enabled: Option<bool>,
    /// `["*"]` for all, `[]` for none.
    #[schema(max_items = 256)]
    event_types: Vec<Selector>,
    preset: Option<Preset>,
    scheme: Option<Scheme>,
    /// Where it is left out: generated by `standard`, `standard-ed25519` and `svix`, needed by most others.
    secret: Option<SigningSecret>,
    /// At most 32, of 4 KiB each. Values may hold `{type} {id} {occurred_at} {attempt} {tenant}`. Names are sent as
    /// they are spelled here. `ringback-id` and the other headers that every request carries are refused.
    headers: Option<BTreeMap<String, String>>,
    auth: Option<Auth>,
    tls: Option<Tls>,
    retry: Option<Retry>,
}

/// A JSON merge patch (RFC 7396): fields that are left out stay, `null` puts one back to its default. An `auth` of another
/// type takes the place of the present one.
#[derive(ToSchema)]
#[schema(example = json!({"retry": {"max_attempts": 5}}))]
#[serde(deny_unknown_fields)]
struct UnsetPatch {
    url: Option<Url>,
    tenant: Option<Tenant>,
    key: Option<Key>,
    enabled: Option<bool>,
    #[schema(max_items = 256)]
    event_types: Option<Vec<Selector>>,
    preset: Option<Preset>,
    scheme: Option<Scheme>,
    secret: Option<SigningSecret>,
    headers: Option<BTreeMap<String, Option<String>>>,
    auth: Option<Auth>,
    tls: Option<Tls>,
    retry: Option<Retry>,
}

with_settings! {
    NewEndpoint = UnsetEndpoint, Door::Request;
    EndpointPatch = UnsetPatch, Door::Request;
}

/// How requests are signed: a built-in scheme, or one's own.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum Scheme {
    BuiltIn(SchemeName),
    Custom(CustomScheme),
}

/// A signing scheme of one's own.
#[derive(ToSchema)]
#[schema(example = json!({
    "key_format": "utf8",
    "message": "{timestamp}.{body}",
    "digest": "sha256",
    "encoding": "hex",
    "headers": {"X-Signature": "t={timestamp},s={signature}"},
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomScheme {
    key_format: KeyFormat,
    /// Over `{id} {timestamp} {timestamp_ms} {body} {url} {method} {json:/pointer}`.
    message: String,
    digest: Digest,
    encoding: Encoding,
    /// Name to a text with `{signature} {timestamp} {timestamp_ms} {id}`. Names are sent as they are spelled here.
    headers: BTreeMap<String, String>,
}

/// Authorization that stands beside the signature.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Auth {
    Bearer {
        token: String,
    },
    Basic {
        username: String,
        password: String,
    },
    ApiKey {
        header: String,
        value: String,
    },
    /// OAuth 2 client credentials: a bearer token is fetched from `token_url`, kept, renewed a minute before it ends, and
    /// once within an attempt that the receiver answers with 401.
    Oauth2 {
        /// Dialled by the rules for receivers.
        token_url: Url,
        #[schema(min_length = 1, max_length = 4096)]
        client_id: String,
        /// Sealed before it is stored. Answers show `***`, which keeps it if a request sends it back.
        #[schema(min_length = 1, max_length = 4096)]
        client_secret: String,
        #[schema(max_items = 32)]
        scopes: Option<Vec<String>>,
        #[schema(min_length = 1, max_length = 4096)]
        audience: Option<String>,
        /// `basic` unless given.
        client_authentication: Option<ClientAuthentication>,
    },
}

/// TLS of an endpoint's own, in PEM: a client certificate for receivers that ask for one, and certificate authorities that
/// are trusted beside those of everyone.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// The certificate and its chain behind it. Answers show it.
    #[schema(max_length = 65536)]
    client_certificate: Option<String>,
    /// The certificate's private key, not encrypted; sealed before it is stored. Answers show `***`, which keeps it if a
    /// request sends it back.
    #[schema(max_length = 65536)]
    client_key: Option<String>,
    /// Certificate authorities.
    #[schema(max_length = 65536)]
    ca: Option<String>,
}

/// How often and when a failed delivery is tried again.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// Sends in all; at most 20 to a destination that comes with its event.
    #[schema(minimum = 1, maximum = 100)]
    max_attempts: Option<u32>,
    /// Waits after the first, second … failure; the last repeats.
    #[schema(min_items = 1, max_items = 20)]
    delays_ms: Option<Vec<Delay>>,
    /// Each wait is multiplied by a uniform factor between 1 − jitter and 1 + jitter.
    #[schema(minimum = 0.0, maximum = 1.0)]
    jitter: Option<f64>,
}

/// Milliseconds, from 50 up to seven days.
#[derive(ToSchema)]
#[schema(minimum = 50, maximum = 604800000)]
pub(crate) struct Delay(u64);

/// A test event.
#[derive(ToSchema)]
#[schema(example = json!({"type": "webhook.test", "payload": {"test": true}}))]
#[serde(deny_unknown_fields)]
pub(crate) struct TestEvent {
    /// `webhook.test` unless given.
    r#type: Option<EventType>,
    /// `{"test":true}` unless given; sent byte for byte.
    #[schema(required = false)]
    payload: Value,
}

/// A filter, and the event that it is tried on: one that was emitted, or one that is described.
#[derive(ToSchema)]
#[schema(example = json!({
    "filter": "payload.duration > 60",
    "type": "call.ended",
    "key": "call-42",
    "tenant": "acme",
    "payload": {"duration": 330},
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct FilterTest {
    /// In CEL, on `type`, `key`, `tenant` and `payload`.
    #[schema(max_length = 2048)]
    filter: String,
    /// Not beside `payload`; one of the two is needed.
    event_id: Option<EventId>,
    /// `webhook.test` unless given.
    r#type: Option<EventType>,
    key: Option<Key>,
    tenant: Option<Tenant>,
    #[schema(required = false)]
    payload: Value,
}

/// A new secret and how it takes over.
#[derive(ToSchema)]
#[schema(example = json!({"overlap_seconds": 3600, "force": true}))]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretRotation {
    /// Generated unless given, where the scheme generates its own.
    secret: Option<SigningSecret>,
    /// How long the old secret signs beside the new one, for schemes that carry several signatures; a day unless given.
    /// With 0 only the new one signs from now on.
    #[schema(minimum = 0, maximum = 2592000)]
    overlap_seconds: Option<u32>,
    /// When the new secret takes the old one's place, for schemes that carry one signature; now unless given.
    switch_at: Option<Time>,
    /// Ends early what earlier rotations promised, where that is in the way: no older secret then signs for longer than
    /// this rotation's overlap.
    force: Option<bool>,
}

/// Which deliveries are sent again, and how fast.
#[derive(ToSchema)]
#[schema(example = json!({
    "filter": {
        "tenant": "acme",
        "endpoint_id": "ep_0199c0de5eed7a11b0a1c2d3e4f56789",
        "type": "call.ended",
        "key": "call-42",
        "host": "hooks.example.com",
        "status": "dead",
        "reason": "exhausted",
        "last_status_code": 503,
        "since": "2026-01-30T00:00:00Z",
        "until": "2026-01-31T00:00:00Z",
    },
    "rate_per_second": 50.0,
    "dry_run": true,
    "note": "their certificate had expired",
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReplay {
    filter: ReplayFilter,
    /// As fast as the lanes take unless given.
    #[schema(exclusive_minimum = 0.0, maximum = 100000.0)]
    rate_per_second: Option<f64>,
    /// Only count.
    dry_run: Option<bool>,
    /// For the record; it may have several lines.
    #[schema(max_length = 1000, pattern = "^[^\\u0000-\\u0009\\u000B-\\u001F\\u007F-\\u009F]*$")]
    note: Option<String>,
    /// The older name of `note`; where both are given they must be the same.
    #[schema(max_length = 1000, pattern = "^[^\\u0000-\\u0009\\u000B-\\u001F\\u007F-\\u009F]*$")]
    reason: Option<String>,
}

/// Every condition that is given holds, when the set is fixed and when a delivery's turn comes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayFilter {
    tenant: Option<Tenant>,
    endpoint_id: Option<EndpointId>,
    r#type: Option<EventType>,
    key: Option<Key>,
    /// The host of the URL it goes to.
    #[schema(min_length = 1, max_length = 255)]
    host: Option<String>,
    /// `missing`: events that the endpoint now selects and has no delivery of; needs `endpoint_id`.
    status: ReplayedStatus,
    /// Dead letters only.
    reason: Option<DeadReason>,
    /// The status code of the last answer. Dead letters only.
    #[schema(minimum = 100, maximum = 999)]
    last_status_code: Option<u16>,
    /// Created at or after.
    since: Option<Time>,
    /// Created before.
    until: Option<Time>,
}

/// Whose events are expunged: by key, by type, or all of a time.
#[derive(ToSchema)]
#[schema(example = json!({
    "tenant": "acme",
    "key": "call-42",
    "since": "2026-01-30T00:00:00Z",
    "until": "2026-01-31T00:00:00Z",
    "dry_run": true,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExpunge {
    tenant: Tenant,
    /// Not beside `type`.
    key: Option<Key>,
    r#type: Option<EventType>,
    /// Accepted at or after.
    since: Option<Time>,
    /// Accepted before.
    until: Option<Time>,
    /// Only count.
    dry_run: Option<bool>,
}

/// What somebody outside is shown: one delivery, or all events of one key.
#[derive(ToSchema)]
#[schema(example = json!({"key": "call-42", "tenant": "acme", "expires_in": "7d"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewShare {
    /// Not beside `key`; one of the two is needed.
    delivery_id: Option<DeliveryId>,
    key: Option<Key>,
    /// Needed where several tenants have the key.
    tenant: Option<Tenant>,
    expires_in: Life,
}

/// Who is let into the portal, for how long, and what they may do there.
#[derive(ToSchema)]
#[schema(example = json!({"tenant": "acme", "expires_in": "7d", "scope": "view"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPortalLink {
    tenant: Tenant,
    expires_in: Life,
    scope: PortalScope,
}

/// Where an inline delivery goes this time, and from then on.
#[derive(ToSchema)]
#[schema(as = Again, example = json!({}))]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    /// Only of an inline destination: to this URL, which replaces that of the event's destination.
    url: Option<String>,
}

/// Nothing: the path says everything.
#[derive(ToSchema)]
#[schema(example = json!({}))]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
