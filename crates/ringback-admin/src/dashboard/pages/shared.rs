//! `/share/{link}`: the evidence of one call, for somebody outside who has the link and no login.
//!
//! What is shown is masked by [`evidence`]. A link that is wrong, expired or revoked gets the same page, and guesses are
//! counted by address as failed logins are.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::request::Parts,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, header};
use ringback::{
    attempt::{Attempt, Detail, Headers},
    link::{Link, Opens},
    store::{DeliveryRow, EventRow, PayloadRead},
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{
    delivery::{self, Next},
    phrases::{self, Tone},
};
use crate::{
    api::Api,
    dashboard::{
        by_link::{self, Opened},
        evidence,
        frame::Frame,
        moment::Moment,
        mount::Mount,
        refusal::{Refusal, rendered},
        visible::visible,
    },
    problem::Problem,
    view::Destinations,
};

/// Most deliveries of one event that are shown.
const DELIVERIES_MAX: usize = 20;

/// Most attempts of one delivery that are shown, the last ones.
const ATTEMPTS_MAX: usize = 20;

#[derive(Template)]
#[template(path = "shared.html")]
struct Page {
    frame: Frame,
    what: String,
    until: Moment,
    events: Vec<Told>,
}

/// One event.
struct Told {
    id: String,
    event_type: String,
    accepted: Moment,
    size: String,
    /// SHA-256 of the payload, by which the receiver can tell whether it is what arrived there.
    digest: Option<String>,
    structure: Option<String>,
    deliveries: Vec<Sent>,
}

/// One delivery.
struct Sent {
    id: String,
    origin: String,
    status: String,
    tone: Tone,
    next: String,
    tries: Vec<Tried>,
    hidden: usize,
}

/// One attempt.
struct Tried {
    number: i32,
    at: Moment,
    outcome: String,
    tone: Tone,
    took: String,
    note: Option<&'static str>,
    request: Vec<(String, String)>,
    response: Vec<(String, String)>,
    answered: Option<String>,
    structure: Option<String>,
}

/// `GET /share/{link}`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    mount: Mount,
    Path(text): Path<String>,
    parts: Parts,
) -> Response {
    let mut response = match by_link::open(&api, &parts, &text).await {
        Opened::Link(link) if !matches!(link.opens, Opens::Portal(_)) => match read(&api, mount.clone(), &link).await {
            Ok(Some(page)) => rendered(&page),
            Ok(None) => by_link::nothing(mount),
            Err(problem) => Refusal::from(problem).without_home().at(mount),
        },
        Opened::Link(_) => by_link::nothing(mount),
        Opened::Refused(response) => response,
    };
    let headers = response.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    response.into_response()
}

async fn read(api: &Api, mount: Mount, link: &Link) -> Result<Option<Page>, Problem> {
    let now = Timestamp::now();
    let mut events = Vec::new();
    let mut what = None;
    match link.opens {
        Opens::Delivery(id) => {
            let rows: Vec<_> = api.engine.delivery(id).await?.into_iter().filter(|row| is_of(link, row)).collect();
            if let Some(row) = api.engine.event(id.event()).await?.filter(|_| !rows.is_empty()) {
                what = Some(name(&row));
                events.push(told(api, &row, &rows, now).await?);
            }
        }
        Opens::KeyOf(id) => {
            for row in api.engine.events_beside(id).await?.iter().filter(|row| row.event.tenant == link.tenant) {
                what = what.or_else(|| Some(name(row)));
                let rows = api.engine.deliveries_of(row.event.id, DELIVERIES_MAX).await?;
                events.push(told(api, row, &rows, now).await?);
            }
        }
        Opens::Portal(_) => {}
    }
    let until = Moment::new(link.expires_at, now);
    Ok(what.map(|what| Page { frame: Frame::bare(mount), what, until, events }))
}

/// By which people know the call.
fn name(row: &EventRow) -> String {
    visible(row.event.key.as_deref().unwrap_or(&row.event.event_type))
}

fn is_of(link: &Link, row: &DeliveryRow) -> bool {
    row.event.tenant == link.tenant
}

async fn told(api: &Api, row: &EventRow, rows: &[DeliveryRow], now: Timestamp) -> Result<Told, Problem> {
    let destinations = Destinations::of(&api.engine, rows).await?;
    let mut deliveries = Vec::with_capacity(rows.len());
    for row in rows {
        let mut attempts = api.engine.attempts(row.id).await?;
        let hidden = attempts.len().saturating_sub(ATTEMPTS_MAX);
        let prefix = &api.engine.settings().header_prefix;
        deliveries.push(Sent {
            id: row.id.to_string(),
            origin: evidence::origin(destinations.url(row).as_deref()),
            status: row.status.to_string(),
            tone: phrases::tone(row.status),
            next: Next::of(row, destinations.hold(row), destinations.tries(row), now).0,
            tries: attempts.drain(hidden..).rev().map(|attempt| tried(&attempt, prefix, now)).collect(),
            hidden,
        });
    }
    let payload = match api.engine.payload(row.event.id).await? {
        PayloadRead::Bytes(bytes) => Some(bytes),
        PayloadRead::Expunged | PayloadRead::Expired | PayloadRead::Absent => None,
    };
    Ok(Told {
        id: row.event.id.to_string(),
        event_type: visible(&row.event.event_type),
        accepted: Moment::new(row.event.id.accepted_at(), now),
        size: phrases::bytes(row.payload_bytes),
        digest: payload.as_ref().map(|bytes| hex::encode(Sha256::digest(bytes))),
        structure: payload.and_then(|bytes| evidence::structure(&bytes)),
        deliveries,
    })
}

fn tried(attempt: &Attempt, prefix: &str, now: Timestamp) -> Tried {
    let detail = Detail::from_bytes(&attempt.detail);
    let headers = |all: &Headers<'_>| all.iter().map(|(name, value)| evidence::header(name, value, prefix)).collect();
    let answered = i64::try_from(attempt.response_body.len()).ok().filter(|bytes| *bytes > 0).map(phrases::bytes);
    Tried {
        number: attempt.number,
        at: Moment::new(attempt.at, now),
        outcome: delivery::outcome(attempt),
        tone: phrases::tone_of_attempt(attempt.conclusion),
        took: phrases::milliseconds(attempt.duration.as_secs_f64() * 1_000.0),
        note: delivery::note(attempt),
        request: headers(&detail.request_headers),
        response: headers(&detail.response_headers),
        answered,
        structure: evidence::structure(&attempt.response_body),
    }
}
