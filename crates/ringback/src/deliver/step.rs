//! One attempt's place in its event's trace.

use std::panic::{AssertUnwindSafe, catch_unwind};

use url::Url;

use crate::{
    attempt::Conclusion,
    chance::chance,
    endpoint::Target,
    event::Event,
    store::Recorded,
    trace::{Parent, SAMPLED, Span, Spans, TraceContext},
};

/// One attempt's place in a trace: a span of the trace that the event came with, or else of one that is the event's own. Its
/// id is the event's, so all attempts and replays of an event are in one trace.
#[derive(Debug, Clone)]
pub(super) struct Step {
    own: Parent,
    /// The span that emitted the event.
    parent: Option<[u8; 8]>,
    state: Option<Box<str>>,
}

impl Step {
    /// A new span of the event's trace.
    pub(super) fn of(event: &Event) -> Self {
        // 0 is no span.
        let span = chance::<u64>().max(1).to_be_bytes();
        match &event.trace {
            Some(trace) => {
                let TraceContext { parent, state } = &**trace;
                Self { own: Parent { span, ..*parent }, parent: Some(parent.span), state: state.clone() }
            }
            None => {
                let trace = *event.id.uuid().as_bytes();
                Self { own: Parent { trace, span, flags: SAMPLED }, parent: None, state: None }
            }
        }
    }

    /// The headers that tell the receiver: `traceparent`, and `tracestate` if there is one.
    pub(super) fn headers(&self) -> [(&'static str, Option<String>); 2] {
        [("traceparent", Some(self.own.to_string())), ("tracestate", self.state.as_deref().map(str::to_owned))]
    }

    /// Tells whoever takes spans that this one has ended, if its trace is kept. A panic there is no part of the attempt.
    pub(super) fn tell(&self, spans: &dyn Spans, event: &Event, recorded: &Recorded, target: Option<&Target>) {
        if self.own.flags & SAMPLED == 0 {
            return;
        }
        let told = catch_unwind(AssertUnwindSafe(|| {
            if let Some(span) = self.span(event, recorded, target) {
                spans.ended(&span);
            }
        }));
        if told.is_err() {
            tracing::error!(delivery = %recorded.id, "whoever takes spans panicked; the span is lost");
        }
    }

    /// What is told of the attempt, unless nothing was tried.
    fn span<'a>(&'a self, event: &'a Event, recorded: &Recorded, target: Option<&'a Target>) -> Option<Span<'a>> {
        let attempt = recorded.attempt.as_ref()?;
        let url = target.map(|target| &target.url.url);
        Some(Span {
            trace_id: self.own.trace,
            span_id: self.own.span,
            parent_span_id: self.parent,
            tracestate: self.state.as_deref(),
            begun: attempt.at,
            took: attempt.duration,
            event: event.id,
            event_type: &event.event_type,
            tenant: &event.tenant,
            delivery: recorded.id,
            attempt: attempt.number,
            method: target.map(|target| target.method).unwrap_or_default(),
            host: url.and_then(Url::host_str),
            port: url.and_then(Url::port_or_known_default),
            status: attempt.status,
            error: attempt.error,
            delivered: attempt.conclusion == Conclusion::Delivered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::EventId, time::Timestamp};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn attempts_are_spans_of_the_events_trace_or_of_its_own() {
        let mut event = Event::plain(EventId::new(Timestamp::now()));
        let own = Step::of(&event);
        assert_eq!((own.own.trace, own.parent), (*event.id.uuid().as_bytes(), None));
        assert_ne!(own.own.span, Step::of(&event).own.span, "each attempt is a span of its own");
        event.trace = Some(Box::new(TraceContext::new(PARENT, Some("a=1")).unwrap()));
        let [(_, parent), (_, state)] = Step::of(&event).headers();
        let parent = Parent::read(&parent.unwrap()).unwrap();
        let given = Parent::read(PARENT).unwrap();
        assert_eq!((parent.trace, parent.flags, state.as_deref()), (given.trace, given.flags, Some("a=1")));
        assert_ne!(parent.span, given.span);
    }
}
