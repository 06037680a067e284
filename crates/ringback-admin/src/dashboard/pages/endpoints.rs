//! `/endpoints`: where events go, and whether anything keeps them from going there; narrowed as `GET /v1/endpoints`.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{
    endpoint::Endpoint,
    operate::figures::COUNTED_MAX,
    store::rules::health::{Health, HealthState},
    time::Timestamp,
};

use super::{
    listing::{Cell, Listing, Narrowed, Narrowing, Row, Table, older},
    phrases::{self, Tone},
};
use crate::{
    api::{Api, endpoints::listing::Asked},
    dashboard::{moment::Moment, mount::Mount, visible::visible, visitor::Visitor},
    problem::Problem,
};

const PAGE: &str = "/endpoints";

pub(super) const HEAD: &[&str] = &["Endpoint", "Destination", "Gets", "State", "Made"];

/// `GET /endpoints`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Listing, Problem> {
    let (endpoints, cursor) = narrowed.asked::<Asked>()?.page(api, &visitor.access).await?;
    let health = api.engine.health(&endpoints.iter().collect::<Vec<_>>()).await?;
    let (now, mount) = (Timestamp::now(), &visitor.mount);
    let rows = endpoints.iter().zip(&health).map(|(endpoint, health)| row(mount, endpoint, health, now));
    Ok(Listing {
        frame: visitor.frame(api),
        title: "Endpoints",
        hint: "Newest first. Where nothing is sent, the state says why, and since when something waits.",
        narrowing: Narrowing::new(mount, PAGE).text(narrowed, "Tenant", "tenant"),
        table: Table::new(HEAD, rows.collect()),
        nothing: "No endpoint matches.",
        older: older(narrowed, mount, PAGE, cursor),
    })
}

pub(super) fn row(mount: &Mount, endpoint: &Endpoint, health: &Health, now: Timestamp) -> Row {
    Row::of(vec![
        Cell::key(visible(&name(endpoint)), format!("{mount}/endpoints/{}", endpoint.id))
            .with(visible(&endpoint.tenant)),
        Cell::code(visible(&phrases::host(Some(&endpoint.spec.url)))),
        Cell::text(visible(&endpoint.spec.event_types.join(", "))),
        state(endpoint, health, now),
        Cell::at(Some(Moment::new(endpoint.created_at, now))),
    ])
}

/// How it does, since when, and if nothing is sent, why and until when.
pub(super) fn state(endpoint: &Endpoint, health: &Health, now: Timestamp) -> Cell {
    let since = format!("since {}", Moment::new(health.since, now).relative);
    let until = health.held_until.map(|until| format!(", next try {}", Moment::new(until, now).relative));
    let until = until.unwrap_or_default();
    let why = match health.hold_reason {
        Some(reason) => {
            let told = endpoint.disabled_reason.as_deref().filter(|_| endpoint.hold_reason().is_some());
            format!("{}{until}; ", told.map_or_else(|| reason.sentence().to_owned(), visible))
        }
        None => String::new(),
    };
    let failure = health.last_failure.filter(|_| health.state == HealthState::Failing);
    let failure = failure.map(|failure| format!(", last {}", answer(&failure))).unwrap_or_default();
    let waiting = match (health.pending, health.oldest_due_at) {
        (0, _) => String::new(),
        (count, Some(due)) => {
            let first = if due <= now { "the oldest fell due" } else { "the next is due" };
            format!("; {} pending, {first} {}", pending(count), Moment::new(due, now).relative)
        }
        (count, None) => format!("; {} pending", pending(count)),
    };
    let (word, tone) = match health.state {
        HealthState::Ok => (health.state.to_string(), Tone::Good),
        HealthState::Idle => (health.state.to_string(), Tone::Plain),
        HealthState::Failing => (health.state.to_string(), Tone::Bad),
        HealthState::Held => {
            (health.hold_reason.map_or_else(|| health.state.to_string(), |reason| reason.to_string()), Tone::Warn)
        }
    };
    Cell::tag(word, tone).with(format!("{why}{since}{failure}{waiting}"))
}

/// The status or error of a failed attempt.
fn answer(failure: &ringback::store::LastFailure) -> String {
    let error = failure.error.map(|error| error.to_string());
    failure.status.map(|status| status.to_string()).or(error).unwrap_or_else(|| "failure".to_owned())
}

fn pending(count: u32) -> String {
    format!("{}{}", phrases::number(count.into()), if count >= COUNTED_MAX { " or more" } else { "" })
}

/// The same as facts with names.
pub(super) fn facts(health: &Health, now: Timestamp) -> Vec<(&'static str, String)> {
    let ago = |at: Option<Timestamp>| at.map_or_else(|| "none".to_owned(), |at| Moment::new(at, now).relative);
    let failure =
        health.last_failure.map(|failure| format!("{}: {}", Moment::new(failure.at, now).relative, answer(&failure)));
    vec![
        ("Backlog", pending(health.pending)),
        ("Oldest due", ago(health.oldest_due_at)),
        ("Last success", ago(health.last_success_at)),
        ("Last failure", failure.unwrap_or_else(|| "none".to_owned())),
    ]
}

/// Endpoints that fail, since when, and with what.
pub(super) fn failing(mount: &Mount, failing: &[(Arc<Endpoint>, Health)], now: Timestamp) -> Table {
    let rows = failing.iter().map(|(endpoint, health)| {
        let error = health.last_failure.map(|failure| answer(&failure)).unwrap_or_default();
        Row::of(vec![
            Cell::key(visible(&name(endpoint)), format!("{mount}/endpoints/{}", endpoint.id))
                .with(visible(&endpoint.tenant)),
            Cell::code(visible(&phrases::host(Some(&endpoint.spec.url)))),
            Cell::at(Some(Moment::new(health.since, now))),
            Cell::tag(error, Tone::Bad),
            Cell::text(pending(health.pending)),
        ])
    });
    Table::new(&["Endpoint", "Destination", "Since", "Last", "Waiting"], rows.collect())
}

fn name(endpoint: &Endpoint) -> String {
    endpoint.spec.name.clone().or_else(|| endpoint.key.clone()).unwrap_or_else(|| endpoint.id.to_string())
}
