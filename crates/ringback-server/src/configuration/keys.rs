//! The table of keys: name, type, default, and meaning. Everything else about configuration is made from this table.

use super::{
    settings::{Finding, Settings},
    value::Value,
    value_files::file_of,
    values::{
        AdminToken, AuthorityFile, BasePath, Collector, DatabaseUrl, HeaderPrefix, Limit, LogFilter, LogFormat,
        MasterKey, ProxyNetwork, PublicUrl, Schema, Span, Tenant, Weights, Whole,
    },
};
use ringback::egress::AllowEntry;
use ringback_admin::portal::{Accent, FrameAncestor, Logo, Name};

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name in the file, with `.` between table and key.
    pub(super) name: &'static str,
    /// What it means.
    pub(super) doc: &'static str,
    /// Its default as text; empty for none.
    pub(super) default: &'static str,
    /// The value's placeholder in `--help`.
    pub(super) value_name: &'static str,
    /// `true` or `false`.
    pub(super) is_switch: bool,
    /// A value as people may see it.
    pub(super) shown: fn(&str) -> String,
}

impl Key {
    /// Its variable: `RINGBACK_RETENTION_EVENTS`.
    pub(super) fn variable(&self) -> String {
        format!("RINGBACK_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Its flag without the dashes: `retention-events`.
    pub(super) fn flag(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }

    /// Whether the file may write its value as a table.
    pub(super) fn is_table(&self) -> bool {
        self.value_name == <Weights as Value>::NAME
    }

    /// Its text in `--help`.
    pub(super) fn help(&self) -> String {
        let doc = self.doc.trim();
        if self.default.is_empty() { doc.to_owned() } else { format!("{doc} [default: {}]", self.default) }
    }
}

/// Every key; a key whose value can be in a file of its own is followed by the key that names the file.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().flat_map(|key| std::iter::once(key).chain(file_of(key)))
}

macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:literal $field:ident: $kind:ty = $default:literal;)+) => {
        /// Every key with its value.
        #[derive(Debug)]
        pub(crate) struct Configuration {
            $($(#[doc = $doc])+ pub(crate) $field: $kind,)+
        }

        /// The table, in the order in which people read it.
        pub(super) const KEYS: &[Key] = &[$(Key {
            name: $name,
            doc: concat!($($doc),+),
            default: $default,
            value_name: <$kind as Value>::NAME,
            is_switch: <$kind as Value>::SWITCH,
            shown: <$kind as Value>::shown,
        }),+];

        impl Configuration {
            /// Parses every value, and adds a finding for each that is wrong.
            pub(super) fn from_settings(settings: &Settings, findings: &mut Vec<Finding>) -> Option<Self> {
                let mut keys = KEYS.iter();
                $(let $field = keys.next().and_then(|key| settings.value::<$kind>(key, findings));)+
                Some(Self { $($field: $field?),+ })
            }
        }
    };
}

keys! {
    /// Where everything is kept: sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE.
    "database_url" database_url: DatabaseUrl = "sqlite://ringback.db";
    /// PostgreSQL only: the schema that holds Ringback's tables.
    "schema" schema: Schema = "ringback";
    /// Address and port of the API; port 0 takes a free one. Off loopback it needs an admin_token of your own.
    "bind" bind: std::net::SocketAddr = "127.0.0.1:8080";
    /// What stands before every path of the API, such as /webhooks.
    "base_path" base_path: BasePath = "";
    /// Whether there are pages for people beside the API, at / and /login.
    "dashboard" dashboard: bool = "true";
    /// Where browsers reach this server: scheme, host and port, such as https://hooks.example.com; links that leave it begin so. Without it they begin with the address by which they were asked for.
    "public_url" public_url: Option<PublicUrl> = "";
    /// What the portal of tenants is called instead of Ringback.
    "portal.name" portal_name: Option<Name> = "";
    /// A picture beside that name: an https URL.
    "portal.logo" portal_logo: Option<Logo> = "";
    /// The colour of the portal's buttons, such as #2f5bd8.
    "portal.accent" portal_accent: Option<Accent> = "";
    /// Sites that may show the portal in a frame, such as https://app.example.com.
    "portal.frame_ancestors" portal_frame_ancestors: Vec<FrameAncestor> = "";
    /// Networks of proxies in front of the API whose X-Forwarded-For and X-Forwarded-Proto are believed, such as 127.0.0.1/32 or 10.0.0.0/8.
    "trusted_proxies" trusted_proxies: Vec<ProxyNetwork> = "";
    /// Most connections to the API at a time; the last 32 are for /healthz, /readyz, /metrics and callers on this machine. Lowered to what the limit of open files allows.
    "max_connections" max_connections: Whole<1, 1_000_000> = "1024";
    /// Most connections of one address, or of one /64 network of IPv6; proxies that are trusted excepted.
    "max_connections_per_address" max_connections_per_address: Whole<1, 1_000_000> = "256";
    /// Most bytes that the bodies of all requests hold together; beyond that a request is answered with 503.
    "max_request_memory" max_request_memory: Whole<1, 1_099_511_627_776> = "268435456";
    /// The bearer token that may do everything, 16 to 256 printable characters. SQLite: one is made with a new database and kept beside it; PostgreSQL: required.
    "admin_token" admin_token: Option<AdminToken> = "";
    /// Encrypts secrets at rest: 32 bytes as 64 hex digits or base64. SQLite: one is made with a new database and kept beside it; PostgreSQL: required.
    "master_key" master_key: Option<MasterKey> = "";
    /// Earlier master keys, which still open what they sealed until `ringback rekey` has sealed it anew.
    "old_master_keys" old_master_keys: Vec<MasterKey> = "";
    /// Networks that may be dialled though they are private, such as 127.0.0.0/8 or 10.1.0.0/16:8443.
    "egress.allow" egress_allow: Vec<AllowEntry> = "";
    /// Whether plain http:// destinations are accepted.
    "egress.allow_http" egress_allow_http: bool = "false";
    /// A PEM file with certificate authorities that receivers' certificates may come from, beside those of this machine.
    "egress.ca" egress_ca: Option<AuthorityFile> = "";
    /// Most requests that this process has open to receivers at a time; lowered to what the limit of open files allows.
    "max_in_flight_per_node" max_in_flight_per_node: Whole<1, 1_000_000> = "4096";
    /// Tenants that get more than an equal share of sending while more is due than can be sent, such as acme=4,other=2. In the file a table.
    "tenant_weights" tenant_weights: Weights = "";
    /// How long a connection to a receiver is used before it is dialled anew, so that a receiver that moved is found.
    "connection_max_age" connection_max_age: Span<1_000, { DAY_MS }> = "60s";
    /// Largest payload of an event, in bytes.
    "max_payload_bytes" max_payload_bytes: Whole<1, 16_777_216> = "1048576";
    /// Most endpoints a tenant can have.
    "max_endpoints_per_tenant" max_endpoints_per_tenant: Whole<1, 1_000_000> = "10000";
    /// What the names of Ringback's own request headers begin with.
    "header_prefix" header_prefix: HeaderPrefix = "ringback-";
    /// How long this process owns its share of the work without renewing; after a crash others take over when it ends.
    "lease" lease: Span<3_000, 600_000> = "12s";
    /// How long a stopping process waits for its open requests.
    "shutdown_grace" shutdown_grace: Span<0, 3_600_000> = "30s";
    /// How long an idempotency key counts.
    "idempotency_window" idempotency_window: Span<1_000, { 366 * DAY_MS }> = "7d";
    /// A delivery that was due but held for longer than this becomes a dead letter.
    "expires_after" expires_after: Span<1_000, { 366 * DAY_MS }> = "3d";
    /// Whose endpoints get the operational events, ringback.delivery.dead and its kind, that they select by name or by ringback.*.
    "operations_tenant" operations_tenant: Tenant = "ringback";
    /// An endpoint at which nothing has succeeded for so long, while something was tried, is told as failing.
    "failing_after" failing_after: Span<1_000, { 366 * DAY_MS }> = "5m";
    /// Once something that nothing holds has been due for so long, that is told as a stale backlog.
    "stale_after" stale_after: Span<1_000, { 366 * DAY_MS }> = "1m";
    /// An endpoint at which nothing but failures has come for so long is disabled, unless it says otherwise itself; `none` disables none.
    "disable_after" disable_after: Limit<1_000, { 366 * DAY_MS }> = "none";
    /// Whether nothing but tests is sent to an endpoint before its receiver has answered a verification: `POST /v1/endpoints/{id}/verify`.
    "require_verification" require_verification: bool = "false";
    /// How long events, their keys and finished deliveries are kept.
    "retention.events" retention_events: Span<1_000, { 36_600 * DAY_MS }> = "90d";
    /// How long payloads of events are kept that are neither owed nor dead.
    "retention.payloads" retention_payloads: Span<1_000, { 36_600 * DAY_MS }> = "30d";
    /// How long failed attempts are kept.
    "retention.attempts" retention_attempts: Span<1_000, { 36_600 * DAY_MS }> = "30d";
    /// How long dead letters and their payloads are kept.
    "retention.dead_letters" retention_dead_letters: Span<1_000, { 36_600 * DAY_MS }> = "180d";
    /// How long figures over time are kept.
    "retention.figures" retention_figures: Span<1_000, { 36_600 * DAY_MS }> = "30d";
    /// How many endpoints have metrics of their own, with their id as a label: those at which most fails.
    "metrics.per_endpoint" metrics_per_endpoint: Whole<0, 1_000> = "0";
    /// An OpenTelemetry collector that gets the spans of attempts by OTLP over HTTP, such as http://localhost:4318; /v1/traces is added.
    "otlp.endpoint" otlp_endpoint: Option<Collector> = "";
    /// What is logged on standard error: error, warn, info, debug, trace, or directives such as info,ringback=debug.
    "log" log: LogFilter = "info";
    /// How it is written: text or json.
    "log_format" log_format: LogFormat = "text";
}

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
