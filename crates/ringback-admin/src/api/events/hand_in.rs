//! Emitting events by HTTP: one, or up to 1,000 of which all are stored or none.
//!
//! A payload is cut out of the request's bytes, from its first byte to its last, and never parsed into a value that would
//! have to be serialised again.

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use ringback::{
    endpoint::Destination,
    event::NewEvent,
    invalid::{FINDINGS_MAX, Invalid},
    metadata::Metadata,
    schedule::Schedule,
    time::Timestamp,
    trace::TraceContext,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::Api,
    auth::{Access, Emitter},
    extract::{BODY_BYTES_MAX, Document, IdempotencyKey, elements, parse, read_json},
    openapi::{parameters, requests},
    problem::Problem,
    view,
};

/// Most events of a batch, and most bytes of its request.
const BATCH_EVENTS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The answer to a batch: one entry for each event, in the request's order.
#[derive(Serialize, ToSchema)]
pub(super) struct Batch {
    items: Vec<view::Accepted>,
}

/// Hand in an event
///
/// It is stored, routed and durable when this is answered. The payload is kept byte for byte.
#[utoipa::path(
    post, path = "/v1/events", operation_id = "hand_in_event", tag = "events",
    params(parameters::IdempotencyKey),
    request_body = requests::NewEvent,
    responses(
        (status = 202, description = "It is stored.", body = view::Accepted),
        (status = 200, description = "The same came before under this idempotency key; nothing was stored.", body = view::Accepted),
    ),
    security(("token" = ["emit"])),
)]
pub(super) async fn one(
    State(api): State<Api>,
    Emitter(access): Emitter,
    IdempotencyKey(alias): IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    // The largest payload, plus room for the other fields.
    let bytes_max = api.engine.settings().max_payload_bytes.saturating_add(BODY_BYTES_MAX);
    let trace = trace_of(request.headers());
    let body = read_json(request, bytes_max).await?;
    let handed = parse(body, |body| Ok(Handed::read(Document::read(body)?)?)).await?;
    let mut event = handed.into_event(&access, trace.as_ref())?;
    event.idempotency_key = one_of(alias, event.idempotency_key.take())?;
    let emitted = api.engine.accept(vec![event]).await.map_err(|error| Problem::of_emit(error, |_| String::new()))?;
    let accepted = emitted.into_iter().next().ok_or_else(Problem::internal)?;
    let status = if accepted.duplicate { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(view::Accepted::from(accepted))).into_response())
}

/// Hand in up to 1,000 events
///
/// All of them are stored or none. Refusals name the event: `/events/17/type`.
#[utoipa::path(
    post, path = "/v1/events/batch", operation_id = "hand_in_events", tag = "events",
    request_body = requests::NewEvents,
    responses(
        (status = 202, description = "They are stored; one entry for each, in the request's order.", body = Batch),
    ),
    security(("token" = ["emit"])),
)]
pub(super) async fn batch(
    State(api): State<Api>,
    Emitter(access): Emitter,
    request: Request,
) -> Result<Response, Problem> {
    let trace = trace_of(request.headers());
    let body = read_json(request, BATCH_BYTES_MAX).await?;
    // The events have copies of what they need, so the request's bytes are freed before the events are committed.
    let handed = parse(body, |body| read_batch(Document::read(body)?)).await?;
    let into_event = |handed: Handed| handed.into_event(&access, trace.as_ref());
    let events = handed.into_iter().map(into_event).collect::<Result<_, _>>()?;
    let emitted =
        api.engine.accept(events).await.map_err(|error| Problem::of_emit(error, |index| format!("/events/{index}")))?;
    let items = emitted.into_iter().map(view::Accepted::from).collect();
    Ok((StatusCode::ACCEPTED, Json(Batch { items })).into_response())
}

fn read_batch(mut document: Document) -> Result<Vec<Handed>, Problem> {
    let array = document.take("events").ok_or_else(|| Invalid::one("/events", "required", "is missing"))?;
    document.require_small()?;
    document.fields()?.finish().or(())?;
    let mut invalid = Invalid::default();
    let items = elements(&array, BATCH_EVENTS_MAX).map_err(|found| below("/events", found))?;
    if items.is_empty() || items.len() > BATCH_EVENTS_MAX {
        let detail = format!("must hold 1 to {BATCH_EVENTS_MAX} events");
        return Err(Invalid::one("/events", "out_of_range", detail).into());
    }
    let mut events = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if invalid.findings.len() >= FINDINGS_MAX {
            // The problem would not list any further findings.
            break;
        }
        match read_item(item) {
            Ok(handed) => events.push(handed),
            Err(found) => invalid.absorb(&format!("/events/{index}"), found),
        }
    }
    invalid.or(events).map_err(Problem::from)
}

/// One event of a batch. The payload is copied: otherwise each payload would keep the whole request in memory.
fn read_item(item: &Bytes) -> Result<Handed, Invalid> {
    let mut handed = Handed::read(Document::read_value(item)?)?;
    handed.payload = Bytes::copy_from_slice(&handed.payload);
    Ok(handed)
}

/// An event as the request has it.
struct Handed {
    event_type: String,
    payload: Bytes,
    tenant: Option<String>,
    key: Option<String>,
    ordering_key: Option<String>,
    idempotency_key: Option<String>,
    occurred_at: Option<Timestamp>,
    endpoint_keys: Option<Vec<String>>,
    destination: Option<Destination>,
    trace: Option<TraceContext>,
    schedule: Schedule,
    metadata: Metadata,
}

impl Handed {
    fn read(mut document: Document) -> Result<Self, Invalid> {
        let payload = document.take_payload("payload")?;
        document.require_small()?;
        let mut fields = document.fields()?;
        let handed = Self {
            event_type: fields.required("type"),
            payload: payload.clone().unwrap_or_default(),
            tenant: fields.text("tenant"),
            key: fields.text("key"),
            ordering_key: fields.text("ordering_key"),
            idempotency_key: fields.text("idempotency_key"),
            occurred_at: fields.parsed("occurred_at"),
            endpoint_keys: fields.texts("endpoint_keys"),
            destination: fields.some("destination").map(Destination::read),
            trace: fields.object("trace", TraceContext::read).flatten(),
            schedule: Schedule {
                deliver_after: fields.parsed("deliver_after"),
                expires_at: fields.parsed("expires_at"),
            },
            metadata: Metadata(fields.table("metadata").unwrap_or_default()),
        };
        if payload.is_none() {
            fields.wrong("payload", "required", "is missing");
        }
        fields.finish().or(handed)
    }

    /// `request` is the trace that the request itself is in, for an event that names none.
    fn into_event(self, access: &Access, request: Option<&TraceContext>) -> Result<NewEvent, Problem> {
        Ok(NewEvent {
            event_type: self.event_type,
            payload: self.payload,
            tenant: access.named(self.tenant)?,
            key: self.key,
            ordering_key: self.ordering_key,
            idempotency_key: self.idempotency_key,
            occurred_at: self.occurred_at,
            endpoint_keys: self.endpoint_keys,
            destination: self.destination,
            trace: self.trace.or_else(|| request.cloned()),
            schedule: self.schedule,
            metadata: self.metadata,
        })
    }
}

/// The trace that a request is in. Proxies write these headers, too, so one that cannot be read is no fault of the caller's.
fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    TraceContext::of_headers(text("traceparent"), text("tracestate"))
}

/// The idempotency key, from the header or the field; if both are given they must be the same.
fn one_of(header: Option<String>, field: Option<String>) -> Result<Option<String>, Invalid> {
    match (header, field) {
        (Some(header), Some(field)) if header != field => {
            Err(Invalid::one("/idempotency_key", "conflict", "differs from the Idempotency-Key header"))
        }
        (header, field) => Ok(header.or(field)),
    }
}

fn below(prefix: &str, found: Invalid) -> Invalid {
    let mut invalid = Invalid::default();
    invalid.absorb(prefix, found);
    invalid
}
