//! Events: as a caller emits them, their rules, and as a store keeps them.

use bytes::Bytes;

use crate::{
    endpoint::Destination, id::EventId, invalid::Invalid, metadata::Metadata, schedule::Schedule, time::Timestamp,
    trace::TraceContext,
};

/// The tenant of events and endpoints that name none.
pub const DEFAULT_TENANT: &str = "default";

/// The type of a test event that names none.
pub const TEST_TYPE: &str = "webhook.test";

/// The type of the event that asks a receiver to prove that it wants what an endpoint sends.
pub const VERIFICATION_TYPE: &str = "webhook.verification";

/// Longest `tenant` and `type`, in characters.
const NAME_CHARS_MAX: usize = 128;

/// Most entries of `endpoint_keys`. Routing looks each of them up.
pub const ENDPOINT_KEYS_MAX: usize = 1_000;

/// Most bytes of an event's options (all fields except the payload) if it is emitted by SQL.
pub const OPTIONS_BYTES_MAX: usize = 256 * 1024;

/// Longest `key`, `ordering_key` and `idempotency_key`, in characters.
const KEY_CHARS_MAX: usize = 256;

/// An event to be emitted.
///
/// ```
/// use ringback::event::NewEvent;
///
/// let event = NewEvent::new("CALL_ENDED", r#"{"duration_minutes":3.0}"#)
///     .tenant("acme")
///     .key("call-42")
///     .idempotency_key("call-42");
/// event.check(1024 * 1024)?;
/// # Ok::<(), ringback::invalid::Invalid>(())
/// ```
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// `[A-Za-z0-9_.-]{1,128}`, case kept.
    pub event_type: String,
    /// The bytes to sign and send, kept as they are.
    pub payload: Bytes,
    /// `[A-Za-z0-9_.:-]{1,128}`; [`DEFAULT_TENANT`] unless set.
    pub tenant: String,
    /// The platform's own id for what the event is about, to find the event by. 1–256 characters.
    pub key: Option<String>,
    /// Deliveries of one ordering key are sent in order to endpoints that ask for it. 1–256 characters.
    pub ordering_key: Option<String>,
    /// A second event of the same tenant, type and idempotency key within the window is folded into
    /// the first. 1–256 characters.
    pub idempotency_key: Option<String>,
    /// When it happened; when it was accepted, unless set.
    pub occurred_at: Option<Timestamp>,
    /// Only to the tenant's endpoints with these keys, at most [`ENDPOINT_KEYS_MAX`].
    pub endpoint_keys: Option<Vec<String>>,
    /// Only to this destination, which comes with the event.
    pub destination: Option<Destination>,
    /// Where it stands in the platform's trace; its attempts are spans of that trace.
    pub trace: Option<TraceContext>,
    /// When it may be sent.
    pub schedule: Schedule,
    /// What it is told apart by, and searched by.
    pub metadata: Metadata,
}

impl NewEvent {
    /// An event of [`DEFAULT_TENANT`] without any option.
    pub fn new(event_type: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            event_type: event_type.into(),
            payload: payload.into(),
            tenant: DEFAULT_TENANT.to_owned(),
            key: None,
            ordering_key: None,
            idempotency_key: None,
            occurred_at: None,
            endpoint_keys: None,
            destination: None,
            trace: None,
            schedule: Schedule::default(),
            metadata: Metadata::default(),
        }
    }

    /// Sets the tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the ordering key.
    #[must_use]
    pub fn ordering_key(mut self, key: impl Into<String>) -> Self {
        self.ordering_key = Some(key.into());
        self
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets when it happened.
    #[must_use]
    pub fn occurred_at(mut self, at: Timestamp) -> Self {
        self.occurred_at = Some(at);
        self
    }

    /// Addresses the tenant's endpoints with these keys only.
    #[must_use]
    pub fn endpoint_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.endpoint_keys = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Sends it to this destination alone.
    #[must_use]
    pub fn destination(mut self, destination: Destination) -> Self {
        self.destination = Some(destination);
        self
    }

    /// Puts it into the platform's trace.
    #[must_use]
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Puts the first attempt off until then, at most 30 days.
    #[must_use]
    pub fn deliver_after(mut self, at: Timestamp) -> Self {
        self.schedule.deliver_after = Some(at);
        self
    }

    /// Gives it up, as `expired`, if no attempt has begun by then.
    #[must_use]
    pub fn expires_at(mut self, at: Timestamp) -> Self {
        self.schedule.expires_at = Some(at);
        self
    }

    /// Adds an entry that it is searched by.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.0.insert(name.into(), value.into());
        self
    }

    /// Checks every field except those of the destination, which need the endpoint that it inherits from.
    ///
    /// # Errors
    /// A finding for each field that is wrong. An oversize payload has the code `payload_too_large`.
    pub fn check(&self, payload_bytes_max: usize) -> Result<(), Invalid> {
        let mut invalid = self.check_fields(payload_bytes_max).err().unwrap_or_default();
        if is_reserved(&self.event_type) {
            invalid.add("/type", "reserved", RESERVED_RULE);
        }
        invalid.or(())
    }

    /// The same for the engine's own events, whose types nobody else may use.
    pub(crate) fn check_fields(&self, payload_bytes_max: usize) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        if !is_type(&self.event_type) {
            invalid.add("/type", "malformed", TYPE_RULE);
        }
        if !is_tenant(&self.tenant) {
            invalid.add("/tenant", "malformed", TENANT_RULE);
        }
        let keys =
            [("/key", &self.key), ("/ordering_key", &self.ordering_key), ("/idempotency_key", &self.idempotency_key)];
        for (pointer, key) in keys {
            if key.as_deref().is_some_and(|key| !is_key(key)) {
                invalid.add(pointer, "malformed", KEY_RULE);
            }
        }
        match &self.endpoint_keys {
            Some(keys) if keys.len() > ENDPOINT_KEYS_MAX => {
                let detail = format!("has {} entries; at most {ENDPOINT_KEYS_MAX} are allowed", keys.len());
                invalid.add("/endpoint_keys", "too_many", detail);
            }
            keys => {
                for (index, _) in keys.iter().flatten().enumerate().filter(|(_, key)| !is_key(key)) {
                    invalid.add(format!("/endpoint_keys/{index}"), "malformed", KEY_RULE);
                }
            }
        }
        if self.endpoint_keys.is_some() && self.destination.is_some() {
            invalid.add(
                "/endpoint_keys",
                "conflict",
                "cannot stand beside destination: an event with a destination goes there alone",
            );
        }
        self.schedule.check(&mut invalid);
        self.metadata.check(&mut invalid);
        if self.payload.len() > payload_bytes_max {
            let detail = format!("has {} bytes; at most {payload_bytes_max} are allowed", self.payload.len());
            invalid.add("/payload", "payload_too_large", detail);
        }
        invalid.or(())
    }

    /// Checks, in addition to [`Self::check`], what depends on the moment of the emit.
    ///
    /// # Errors
    /// A finding at `/deliver_after`.
    pub fn check_at(&self, now: Timestamp) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        self.schedule.check_at(now, &mut invalid);
        invalid.or(())
    }

    /// Checks, in addition to [`Self::check`], that the event can be emitted by SQL: its options have at most
    /// [`OPTIONS_BYTES_MAX`]. Only endpoint keys can be so many.
    ///
    /// # Errors
    /// A finding at `/endpoint_keys`.
    pub fn check_options(&self) -> Result<(), Invalid> {
        // `PER_KEY`: quotes, a comma and a space. `OTHERS`: the other options have at most some kilobytes.
        const PER_KEY: usize = 4;
        const OTHERS: usize = 8 * 1024;
        let bytes: usize = self.endpoint_keys.iter().flatten().map(|key| key.len() + PER_KEY).sum();
        if bytes > OPTIONS_BYTES_MAX - OTHERS {
            let detail = format!("has {bytes} bytes; at most {} are allowed here", OPTIONS_BYTES_MAX - OTHERS);
            return Err(Invalid::one("/endpoint_keys", "too_large", detail));
        }
        Ok(())
    }
}

pub(crate) const TYPE_RULE: &str = "must be 1 to 128 of the characters A-Z a-z 0-9 _ . -";
pub(crate) const TENANT_RULE: &str = "must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -";
pub(crate) const KEY_RULE: &str = "must be 1 to 256 characters without control characters";

/// What the types of operational events begin with.
pub const RESERVED_PREFIX: &str = "ringback.";

pub(crate) const RESERVED_RULE: &str = "begins with ringback., as the types of Ringback's own events alone do";

/// Whether only Ringback itself emits events of this type.
#[must_use]
pub fn is_reserved(event_type: &str) -> bool {
    event_type.starts_with(RESERVED_PREFIX)
}

/// Whether `text` can be an event type: `[A-Za-z0-9_.-]{1,128}`.
#[must_use]
pub fn is_type(text: &str) -> bool {
    is_name(text, b"_.-")
}

/// Whether `text` can be a tenant: `[A-Za-z0-9_.:-]{1,128}`.
#[must_use]
pub fn is_tenant(text: &str) -> bool {
    is_name(text, b"_.:-")
}

/// Whether `text` can be a key, ordering key, idempotency key or endpoint key.
#[must_use]
pub fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= KEY_CHARS_MAX && !text.chars().any(char::is_control)
}

fn is_name(text: &str, extra: &[u8]) -> bool {
    !text.is_empty()
        && text.len() <= NAME_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
}

/// An event as a store returns it: the parts that routing and sending need.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id, which also tells when it was accepted.
    pub id: EventId,
    /// Where it stands in the order of emission.
    pub seq: i64,
    /// The tenant that owns it.
    pub tenant: String,
    /// What happened.
    pub event_type: String,
    /// The platform's own id for what the event is about.
    pub key: Option<String>,
    /// Events with the same ordering key are delivered in order.
    pub ordering_key: Option<String>,
    /// Makes a second emit with the same key the same event.
    pub idempotency_key: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Only to endpoints with these keys. A store returns them only for a single event and for events to be routed, since
    /// those of a whole page could be large.
    pub endpoint_keys: Option<Vec<String>>,
    /// Only to this destination: the JSON text of [`crate::endpoint::KeptDestination`].
    pub destination: Option<String>,
    /// Where it stands in the platform's trace.
    pub trace: Option<Box<TraceContext>>,
    /// When it may be sent.
    pub schedule: Schedule,
    /// What it is told apart by; `None` if nothing.
    pub metadata: Option<Box<Metadata>>,
    /// Whether it was created by "send a test event".
    pub test: bool,
    /// Why its names or its recipients cannot be read, if they cannot; it then goes to no endpoint.
    pub unreadable: Option<String>,
}

#[cfg(test)]
impl Event {
    /// What tests send: a call that ended, of the tenant `default`, with nothing that may be left out.
    pub(crate) fn plain(id: EventId) -> Self {
        Self {
            id,
            seq: 1,
            tenant: "default".to_owned(),
            event_type: "call.ended".to_owned(),
            key: None,
            ordering_key: None,
            idempotency_key: None,
            occurred_at: Timestamp::default(),
            endpoint_keys: None,
            destination: None,
            trace: None,
            schedule: Schedule::default(),
            metadata: None,
            test: false,
            unreadable: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_field_is_named() {
        let event = NewEvent::new("bad type", "{}").tenant("a b").key("").ordering_key("a\nb");
        let pointers: Vec<_> =
            event.check(1).unwrap_err().findings.into_iter().map(|finding| finding.pointer).collect();
        assert_eq!(pointers, ["/type", "/tenant", "/key", "/ordering_key", "/payload"]);
    }

    #[test]
    fn keys_are_bounded_in_number_and_where_they_are_options_in_bytes() {
        let event = |count: usize, chars: usize| NewEvent::new("a", "1").endpoint_keys(vec!["k".repeat(chars); count]);
        assert!(event(1_000, 256).check(1).is_ok());
        let many = event(1_001, 257).check(1).unwrap_err().findings;
        assert_eq!((many.len(), many[0].pointer.as_str(), many[0].code), (1, "/endpoint_keys", "too_many"));
        assert!(event(1_000, 240).check_options().is_ok());
        let large = event(1_000, 256).check_options().unwrap_err().findings;
        assert_eq!((large[0].pointer.as_str(), large[0].code), ("/endpoint_keys", "too_large"));
    }

    #[test]
    fn names_of_all_vendors_pass() {
        for name in ["CALL_ENDED", "phone_call.ended", "call.recording.ready", "a-b"] {
            assert!(is_type(name), "{name}");
        }
        assert!(is_tenant("agent:42"));
        assert!(is_key("1711646262471x768387119913843100"));
    }
}
