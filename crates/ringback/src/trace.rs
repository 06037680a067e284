//! Traces: where an event stands in its platform's trace, and what is told of its attempts.
//!
//! The forms are those of W3C Trace Context, level 1: <https://www.w3.org/TR/trace-context/>.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    attempt::ErrorClass,
    document::Fields,
    endpoint::Method,
    id::{DeliveryId, EventId},
    invalid::Invalid,
    time::Timestamp,
};

/// Most bytes of a `tracestate` that everybody must pass on.
const STATE_BYTES_MAX: usize = 512;

/// Most entries of a `tracestate`.
const STATE_ENTRIES_MAX: usize = 32;

const PARENT_RULE: &str = "must be a traceparent of W3C Trace Context, such as \
                           00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const STATE_RULE: &str = "must be a tracestate of W3C Trace Context: at most 32 entries name=value, parted by commas, of \
                          printable ASCII and at most 512 bytes together";

/// Where an event stands in the trace of whoever emitted it: the span that emitted it, and what vendors add.
///
/// ```
/// use ringback::trace::TraceContext;
///
/// let trace = TraceContext::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Some("acme=call-42"))?;
/// assert!(trace.is_sampled());
/// # Ok::<(), ringback::invalid::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct TraceContext {
    pub(crate) parent: Parent,
    pub(crate) state: Option<Box<str>>,
}

/// As documents and databases have it.
#[derive(Clone, Serialize, Deserialize)]
struct Given {
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
}

impl TraceContext {
    /// Reads both headers' values.
    ///
    /// # Errors
    /// Findings at `/traceparent` and `/tracestate`.
    pub fn new(traceparent: &str, tracestate: Option<&str>) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let parent = Parent::read(traceparent);
        if parent.is_none() {
            invalid.add("/traceparent", "malformed", PARENT_RULE);
        }
        if tracestate.is_some_and(|state| !is_state(state)) {
            invalid.add("/tracestate", "malformed", STATE_RULE);
        }
        let trace = Self { parent: parent.unwrap_or_default(), state: tracestate.map(Into::into) };
        invalid.or(trace)
    }

    /// Reads the headers of a request, as W3C says: without a `traceparent` that can be read there is no trace, and a
    /// `tracestate` that cannot be read is left out.
    #[must_use]
    pub fn of_headers(traceparent: Option<&str>, tracestate: Option<&str>) -> Option<Self> {
        let parent = Parent::read(traceparent?.trim())?;
        Some(Self { parent, state: tracestate.filter(|state| is_state(state)).map(Into::into) })
    }

    /// Reads the members `traceparent` and `tracestate` of an object. `None`, with findings, if one of them is wrong.
    pub fn read(fields: &mut Fields) -> Option<Self> {
        fields.must_have("traceparent");
        let (text, state) = (fields.text("traceparent"), fields.text("tracestate"));
        let parent = text.as_deref().and_then(Parent::read);
        if parent.is_none() && text.is_some() {
            fields.wrong("traceparent", "malformed", PARENT_RULE);
        }
        if state.as_deref().is_some_and(|state| !is_state(state)) {
            fields.wrong("tracestate", "malformed", STATE_RULE);
            return None;
        }
        Some(Self { parent: parent?, state: state.map(String::into_boxed_str) })
    }

    /// Reads what a store has kept. What cannot be read is no reason not to send the event: it then has a trace of its own.
    #[must_use]
    pub fn kept(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What a store keeps.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the platform keeps this trace. Spans of one that it does not keep are not told.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.parent.flags & SAMPLED != 0
    }

    /// The `traceparent` of whoever emitted the event.
    #[must_use]
    pub fn traceparent(&self) -> String {
        self.parent.to_string()
    }

    /// What vendors add.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

impl TryFrom<Given> for TraceContext {
    type Error = Invalid;

    fn try_from(given: Given) -> Result<Self, Invalid> {
        Self::new(&given.traceparent, given.tracestate.as_deref())
    }
}

impl From<TraceContext> for Given {
    fn from(trace: TraceContext) -> Self {
        Self { traceparent: trace.traceparent(), tracestate: trace.state.map(String::from) }
    }
}

/// The flag of a trace that is kept.
pub(crate) const SAMPLED: u8 = 1;

/// A `traceparent`: which trace, which span of it, and flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    pub(crate) flags: u8,
}

impl Parent {
    /// Reads it as any version, of which only the first four parts are known.
    pub(crate) fn read(text: &str) -> Option<Self> {
        const VERSION_0_LENGTH: usize = 55;
        let (known, rest) = (text.get(..VERSION_0_LENGTH)?, &text[VERSION_0_LENGTH..]);
        let mut parts = known.split('-');
        let mut next = |length: usize| parts.next().filter(|part| part.len() == length && is_lower_hex(part));
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let fits = match version {
            "ff" => false,
            "00" => rest.is_empty(),
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let mut parent = Self::default();
        hex::decode_to_slice(trace, &mut parent.trace).ok()?;
        hex::decode_to_slice(span, &mut parent.span).ok()?;
        parent.flags = u8::from_str_radix(flags, 16).ok()?;
        (fits && parent.trace != [0; 16] && parent.span != [0; 8]).then_some(parent)
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex::encode(self.trace), hex::encode(self.span), self.flags)
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_state(text: &str) -> bool {
    let is_entry =
        |entry: &str| entry.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty());
    let entries: Vec<_> = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    text.len() <= STATE_BYTES_MAX
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && (1..=STATE_ENTRIES_MAX).contains(&entries.len())
        && entries.into_iter().all(is_entry)
}

/// An attempt that has ended, as a span of its event's trace.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Span<'a> {
    /// Which trace.
    pub trace_id: [u8; 16],
    /// Which span of it.
    pub span_id: [u8; 8],
    /// The span that emitted the event, if the event came with a trace.
    pub parent_span_id: Option<[u8; 8]>,
    /// The `tracestate` that the event came with.
    pub tracestate: Option<&'a str>,
    /// When the attempt began, by this machine's clock.
    pub begun: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The event.
    pub event: EventId,
    /// Its type.
    pub event_type: &'a str,
    /// Its tenant.
    pub tenant: &'a str,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt's number, from 1.
    pub attempt: i32,
    /// The request's method.
    pub method: Method,
    /// The receiver's host; never its whole URL, which may hold what only its owner should see.
    pub host: Option<&'a str>,
    /// The receiver's port.
    pub port: Option<u16>,
    /// The status that was answered.
    pub status: Option<u16>,
    /// What went wrong, if no answer came.
    pub error: Option<ErrorClass>,
    /// Whether the delivery has arrived.
    pub delivered: bool,
}

/// Takes the spans of attempts, by [`crate::Settings::spans`].
pub trait Spans: Send + Sync {
    /// An attempt has ended. This is called on the threads that requests run on, so it must not wait; what it cannot take
    /// at once it should drop.
    fn ended(&self, span: &Span<'_>);
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn findings(parent: &str, state: Option<&str>) -> Vec<String> {
        let found = TraceContext::new(parent, state).err().unwrap_or_default();
        found.findings.into_iter().map(|finding| finding.pointer).collect()
    }

    #[test]
    fn what_w3c_allows_is_read_and_nothing_else() {
        for right in [PARENT, "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-later"] {
            assert_eq!(findings(right, None), [""; 0], "{right}");
        }
        let wrong = [
            "",
            "00",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331--01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
        ];
        for wrong in wrong {
            assert_eq!(findings(wrong, None), ["/traceparent"], "{wrong}");
        }
        for right in ["a=1", "a=1, b@c=2 3", "a=1,,b=2", &format!("a={}", "x".repeat(510))] {
            assert_eq!(findings(PARENT, Some(right)), [""; 0], "{right}");
        }
        for wrong in ["", "a", "=1", "a=", "a=é", "a=1\n", &format!("a={}", "x".repeat(511)), &"a=1,".repeat(33)] {
            assert_eq!(findings(PARENT, Some(wrong)), ["/tracestate"], "{wrong}");
        }
    }

    #[test]
    fn headers_that_cannot_be_read_are_no_trace() {
        assert_eq!(TraceContext::of_headers(None, Some("a=1")), None);
        assert_eq!(TraceContext::of_headers(Some("junk"), Some("a=1")), None);
        let trace = TraceContext::of_headers(Some(PARENT), Some("junk")).unwrap();
        assert_eq!((trace.traceparent().as_str(), trace.tracestate()), (PARENT, None));
    }

    #[test]
    fn what_is_kept_is_read_back_and_junk_is_none() {
        let trace = TraceContext::new(PARENT, Some("a=1")).unwrap();
        assert_eq!(TraceContext::kept(&trace.to_text()), Some(trace));
        for junk in ["", "{}", r#"{"traceparent":"junk"}"#, "[1]"] {
            assert_eq!(TraceContext::kept(junk), None, "{junk}");
        }
    }
}
