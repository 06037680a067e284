//! `/events/{id}`: who got the event and who did not, and why; its payload, byte for byte.

use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use ringback::{
    id::EventId,
    operate::routing::RoutingEntry,
    store::{EventRow, PayloadRead},
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{
    deliveries, events,
    listing::{Cell, Row, Table},
    phrases::{self, Tone},
};
use crate::{
    api::{
        Api,
        events::payload::{self, Which},
    },
    dashboard::{
        frame::Frame,
        moment::Moment,
        refusal::rendered,
        visible::{visible, visible_lines},
        visitor::Visitor,
    },
    extract::{FromParameters as _, Parameters},
    problem::Problem,
};

/// Most deliveries that are shown.
const DELIVERIES_MAX: usize = 200;

/// Most bytes of a payload that are shown; all of them can be saved.
const PAYLOAD_SHOWN_MAX: usize = 64 * 1024;

const ROUTING: &[&str] = &["Endpoint", "Verdict"];

#[derive(Template)]
#[template(path = "event.html")]
struct Page {
    frame: Frame,
    id: EventId,
    event_type: String,
    key: Option<String>,
    ordering_key: Option<String>,
    idempotency_key: Option<String>,
    tenant: String,
    state: String,
    sentence: &'static str,
    tone: Tone,
    duplicate_of: Option<EventId>,
    accepted: Moment,
    occurred: Moment,
    deliver_after: Option<Moment>,
    expires_at: Option<Moment>,
    /// Names, values, and the query that finds the events with the same.
    metadata: Vec<(String, String, String)>,
    /// The `traceparent` that the event came with.
    trace: Option<String>,
    size: String,
    payload: Option<Payload>,
    no_payload: &'static str,
    routing: Table,
    deliveries: Table,
}

/// The beginning of a payload or a body, and the digest of all of it.
pub(super) struct Payload {
    pub(super) text: String,
    pub(super) digest: String,
    pub(super) is_cut: bool,
}

/// `GET /events/{id}`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let page = read(&api, &visitor, &id).await.map_err(|problem| visitor.refused(problem))?;
    Ok(rendered(&page))
}

/// `GET /events/{id}/payload`: as `GET /v1/events/{id}/payload`.
pub(in crate::dashboard) async fn save(
    State(api): State<Api>,
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let saved = async {
        let id = id.parse().map_err(|_| Problem::not_found())?;
        let mut parameters = Parameters::of(query.as_deref().unwrap_or_default());
        let which = Which::read(&mut parameters);
        parameters.finish()?;
        payload::bytes(&api, &visitor.access, id, which).await
    };
    saved.await.map_err(|problem: Problem| visitor.refused(problem))
}

fn entry((name, value): (&String, &String)) -> (String, String, String) {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair(&format!("metadata.{name}"), value).finish();
    (visible(name), visible(value), query)
}

async fn find(api: &Api, visitor: &Visitor, id: &str) -> Result<EventRow, Problem> {
    let id: EventId = id.parse().map_err(|_| Problem::not_found())?;
    visitor.access.found(api.engine.event(id).await?, |row| &row.event.tenant)
}

async fn read(api: &Api, visitor: &Visitor, id: &str) -> Result<Page, Problem> {
    let row = find(api, visitor, id).await?;
    let (id, now, frame) = (row.event.id, Timestamp::now(), visitor.frame(api));
    let sent = api.engine.deliveries_of(id, DELIVERIES_MAX).await?;
    let (payload, no_payload) = match api.engine.payload(id).await? {
        PayloadRead::Bytes(bytes) => (Some(Payload::of(&bytes)), ""),
        PayloadRead::Expunged => (None, "It was expunged."),
        PayloadRead::Expired => (None, "It was kept for as long as payloads are kept."),
        PayloadRead::Absent => (None, "It is not there."),
    };
    let routing = api.engine.routing(&row).await?;
    let routing = Table::new(ROUTING, routing.iter().map(|entry| verdict(&frame, entry)).collect());
    let deliveries = deliveries::table(api, &visitor.mount, &sent).await?;
    let text = |text: &Option<String>| text.as_deref().map(visible);
    Ok(Page {
        id,
        event_type: visible(&row.event.event_type),
        key: text(&row.event.key),
        ordering_key: text(&row.event.ordering_key),
        idempotency_key: text(&row.event.idempotency_key),
        tenant: visible(&row.event.tenant),
        state: row.state.to_string(),
        sentence: row.state.sentence(),
        tone: events::tone(row.state),
        duplicate_of: row.duplicate_of,
        accepted: Moment::new(id.accepted_at(), now),
        occurred: Moment::new(row.event.occurred_at, now),
        deliver_after: row.event.schedule.deliver_after.map(|at| Moment::new(at, now)),
        expires_at: row.event.schedule.expires_at.map(|at| Moment::new(at, now)),
        metadata: row.event.metadata.iter().flat_map(|metadata| &metadata.0).map(entry).collect(),
        trace: row.event.trace.as_ref().map(|trace| trace.traceparent()),
        size: phrases::bytes(row.payload_bytes),
        payload,
        no_payload,
        routing,
        deliveries,
        frame,
    })
}

impl Payload {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let shown = bytes.get(..PAYLOAD_SHOWN_MAX).unwrap_or(bytes);
        Self {
            text: visible_lines(&String::from_utf8_lossy(shown)),
            digest: hex::encode(Sha256::digest(bytes)),
            is_cut: shown.len() < bytes.len(),
        }
    }
}

fn verdict(frame: &Frame, entry: &RoutingEntry) -> Row {
    let key = entry.endpoint_key.as_deref().map(visible);
    let whom = match entry.endpoint {
        Some(id) => {
            let link = format!("{}/endpoints/{id}", frame.mount);
            let cell = Cell::key(key.clone().unwrap_or_else(|| id.to_string()), link);
            if key.is_some() { cell.with(id.to_string()) } else { cell }
        }
        None => Cell::text(key.unwrap_or_else(|| "the destination that came with the event".to_owned())),
    };
    let verdict = match entry.skipped {
        None => match &entry.filter_failed {
            Some(why) => Cell::tag("delivery", Tone::Warn).with(format!("its filter failed: {}", visible(why))),
            None => Cell::tag("delivery", Tone::Good),
        },
        Some(why) => Cell::tag("skipped", Tone::Plain).with(format!("{why}: {}", why.sentence())),
    };
    Row::of(vec![whom, verdict])
}
