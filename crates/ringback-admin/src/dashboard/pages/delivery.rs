//! `/deliveries/{id}`: the state of one delivery, and each attempt with what was sent and what came back.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use ringback::{
    attempt::{Attempt, Conclusion, Detail, Headers, Timings},
    delivery::{DeadReason, Status},
    endpoint::{Method, TriesOf},
    id::{DeliveryId, EndpointId, EventId},
    operate::sent::SentRead,
    store::DeliveryRow,
    time::Timestamp,
};

use super::{
    event::Payload,
    phrases::{self, Tone, milliseconds},
};
use crate::{
    api::{Api, deliveries},
    dashboard::{
        frame::Frame,
        moment::Moment,
        refusal::rendered,
        visible::{visible, visible_lines},
        visitor::Visitor,
    },
    problem::Problem,
    view::Destinations,
};

/// Most attempts that are shown, the last ones.
const ATTEMPTS_MAX: usize = 50;

#[derive(Template)]
#[template(path = "delivery.html")]
struct Page {
    frame: Frame,
    id: DeliveryId,
    event: EventId,
    /// Unless it is inline, or deleted.
    endpoint: Option<EndpointId>,
    event_type: String,
    key: Option<String>,
    tenant: String,
    url: String,
    host: String,
    status: Status,
    tone: Tone,
    next: Next,
    created: Moment,
    finished: Option<Moment>,
    attempts: i32,
    hidden: usize,
    tries: Vec<Try>,
    can_replay: bool,
    /// Its URL is its event's own, and may be replaced.
    can_go_elsewhere: bool,
    is_dead: bool,
    /// The body of its requests, if it is another than the payload.
    sent: Option<Sent>,
    /// Where the body of its requests is saved from.
    save: String,
}

/// A body that was made of the payload.
struct Sent {
    body: Payload,
    content_type: String,
    /// Whether the endpoint was changed since the last attempt, so that it may have sent another one.
    may_differ: bool,
}

/// What happens next, in one sentence.
pub(super) struct Next(pub(super) String);

struct Try {
    number: i32,
    at: Moment,
    outcome: String,
    tone: Tone,
    took: String,
    remote: Option<String>,
    note: Option<&'static str>,
    timings: Vec<(&'static str, String)>,
    method: Method,
    url: String,
    request: Vec<(String, String)>,
    response: Vec<(String, String)>,
    body: String,
    is_cut: bool,
    /// The same request by hand; its body is saved first.
    curl: String,
}

/// `GET /deliveries/{id}`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let page = read(&api, &visitor, &id).await.map_err(|problem| visitor.refused(problem))?;
    Ok(rendered(&page))
}

async fn read(api: &Api, visitor: &Visitor, id: &str) -> Result<Page, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let row = deliveries::find(api, &visitor.access, id).await?;
    let mut attempts = api.engine.attempts(id).await?;
    let sent = sent(api, &row, attempts.last()).await?;
    let to = row.endpoint.map(|endpoint| format!("&endpoint_id={endpoint}")).unwrap_or_default();
    let save = format!("{}/events/{}/payload?as=sent{to}", visitor.mount, id.event());
    let hidden = attempts.len().saturating_sub(ATTEMPTS_MAX);
    let tries = attempts.drain(hidden..).rev();
    let now = Timestamp::now();
    let destinations = Destinations::of(&api.engine, std::slice::from_ref(&row)).await?;
    let directory = api.engine.directory().await?;
    let url = destinations.url(&row);
    let frame = visitor.frame(api);
    Ok(Page {
        id,
        event: id.event(),
        endpoint: row.endpoint.filter(|id| directory.endpoint(*id).is_some()),
        event_type: visible(&row.event.event_type),
        key: row.event.key.as_deref().map(visible),
        tenant: visible(&row.event.tenant),
        host: visible(&phrases::host(url.as_deref())),
        url: visible(url.as_deref().unwrap_or("unknown")),
        status: row.status,
        tone: phrases::tone(row.status),
        next: Next::of(&row, destinations.hold(&row), destinations.tries(&row), now),
        created: Moment::new(row.created_at, now),
        finished: row.finished_at.map(|at| Moment::new(at, now)),
        attempts: row.attempts,
        hidden,
        tries: tries.map(|attempt| Try::of(attempt, now)).collect(),
        is_dead: row.status == Status::Dead,
        can_go_elsewhere: row.endpoint.is_none() && frame.portal().is_none(),
        sent,
        save,
        can_replay: frame.may_operate() && row.due_at.is_none() && row.status != Status::Cancelled,
        frame,
    })
}

async fn sent(api: &Api, row: &DeliveryRow, last: Option<&Attempt>) -> Result<Option<Sent>, Problem> {
    let SentRead::Bytes { body, content_type, is_payload: false } = api.engine.sent(row, None).await? else {
        return Ok(None);
    };
    let directory = api.engine.directory().await?;
    let changed = row.endpoint.and_then(|id| directory.endpoint(id)).map(|endpoint| endpoint.updated_at);
    let may_differ = changed.zip(last).is_some_and(|(changed, last)| changed > last.at);
    Ok(Some(Sent { body: Payload::of(&body), content_type: visible(&content_type), may_differ }))
}

impl Next {
    pub(super) fn of(
        row: &DeliveryRow,
        by_request: Option<ringback::delivery::HoldReason>,
        tries: Option<TriesOf>,
        now: Timestamp,
    ) -> Self {
        let which = phrases::which(row.attempts, tries);
        let hold = by_request.map(|reason| (None, reason)).or(row.hold.map(|(until, reason)| (Some(until), reason)));
        Self(match (row.due_at, hold, row.status) {
            (Some(_), Some((until, reason)), _) => {
                let until = until.map(|until| format!(" Until {}.", Moment::new(until, now).clock)).unwrap_or_default();
                format!("Held: {}.{until} {which} comes then.", reason.sentence())
            }
            (Some(due), None, _) if due <= now => format!("{which}, due now: it is being sent, or about to be."),
            (Some(due), None, _) => {
                let due = Moment::new(due, now);
                format!("{which}, next {} ({}).", due.relative, due.clock)
            }
            (None, _, Status::Dead) => {
                let meaning = row.reason.map_or("given up", DeadReason::sentence);
                format!("Given up: {meaning} (last: {}). {}", visible(&phrases::last(row)), phrases::remedy(row))
            }
            (None, _, Status::Delivered) => "Nothing: the receiver has it.".to_owned(),
            (None, _, Status::Cancelled) => {
                "Nothing: it was discarded or expunged, or its endpoint deleted.".to_owned()
            }
            (None, _, Status::Pending) => "Unknown.".to_owned(),
        })
    }
}

impl Try {
    fn of(attempt: Attempt, now: Timestamp) -> Self {
        let detail = Detail::from_bytes(&attempt.detail);
        Self {
            number: attempt.number,
            at: Moment::new(attempt.at, now),
            outcome: outcome(&attempt),
            tone: phrases::tone_of_attempt(attempt.conclusion),
            took: milliseconds(attempt.duration.as_secs_f64() * 1_000.0),
            remote: detail.remote_addr.map(|address| address.to_string()),
            note: note(&attempt),
            timings: timings(&detail.timings),
            method: detail.method,
            url: visible(&detail.url),
            request: headers(&detail.request_headers),
            response: headers(&detail.response_headers),
            body: visible_lines(&String::from_utf8_lossy(&attempt.response_body)),
            is_cut: detail.truncated,
            curl: visible_lines(&curl(&detail)),
        }
    }
}

/// Headers that curl writes by itself.
const OF_CURL: [&str; 4] = ["host", "content-length", "connection", "accept-encoding"];

/// The request as a command. Credentials read `***`, as they are kept; a receiver that looks at the time of a signature
/// refuses one that is old.
fn curl(detail: &Detail<'_>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let by = match detail.method {
        // What curl does by itself with a body.
        Method::Post => String::new(),
        method => format!("-X {method} "),
    };
    let mut lines = vec![format!("curl -i {by}{}", quoted(&detail.url))];
    let own = detail.request_headers.iter().filter(|(name, _)| !OF_CURL.contains(&name.to_ascii_lowercase().as_str()));
    lines.extend(own.map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
    lines.push("--data-binary @payload".to_owned());
    lines.join(" \\\n  ")
}

/// `503`, `timeout (head)`, `200 delivered`.
pub(super) fn outcome(attempt: &Attempt) -> String {
    let status = attempt.status.map(|status| status.to_string());
    let error = attempt.error.map(|error| error.to_string()).filter(|error| status.is_none() || error != "status");
    let phase = attempt.phase.map(|phase| format!("({phase})"));
    let parts: Vec<_> = [status, error, phase].into_iter().flatten().collect();
    if parts.is_empty() { attempt.conclusion.to_string() } else { parts.join(" ") }
}

pub(super) fn note(attempt: &Attempt) -> Option<&'static str> {
    match attempt.conclusion {
        Conclusion::Stale => Some("Came too late to count: the delivery had moved on."),
        _ if attempt.ambiguous => Some("The receiver may have processed it although no answer came."),
        _ => None,
    }
}

fn timings(timings: &Timings) -> Vec<(&'static str, String)> {
    let all = [
        ("dns", timings.dns_ms),
        ("connect", timings.connect_ms),
        ("tls", timings.tls_ms),
        ("head", timings.head_ms),
        ("body", timings.body_ms),
    ];
    all.into_iter().filter_map(|(name, took)| Some((name, milliseconds(took?)))).collect()
}

fn headers(all: &Headers<'_>) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| (visible(name), visible(value))).collect()
}
