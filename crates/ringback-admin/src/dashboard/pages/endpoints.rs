//! `/endpoints`: where events go, and whether anything keeps them from going there; narrowed as `GET /v1/endpoints`.

use std::collections::HashMap;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{endpoint::Endpoint, operate::held::Held, time::Timestamp};

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

/// Most held lanes that are looked at for one page.
const HELD_MAX: usize = 500;

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
    let (held, _) = api.engine.held(visitor.access.tenant.as_deref(), HELD_MAX).await?;
    let held: HashMap<_, _> = held.into_iter().filter_map(|held| Some((held.endpoint?, held))).collect();
    let (now, mount) = (Timestamp::now(), &visitor.mount);
    let rows = endpoints.iter().map(|endpoint| row(mount, endpoint, held.get(&endpoint.id), now));
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

pub(super) fn row(mount: &Mount, endpoint: &Endpoint, held: Option<&Held>, now: Timestamp) -> Row {
    let name = endpoint.spec.name.clone().or_else(|| endpoint.key.clone()).unwrap_or_else(|| endpoint.id.to_string());
    Row::of(vec![
        Cell::key(visible(&name), format!("{mount}/endpoints/{}", endpoint.id)).with(visible(&endpoint.tenant)),
        Cell::code(visible(&phrases::host(Some(&endpoint.spec.url)))),
        Cell::text(visible(&endpoint.spec.event_types.join(", "))),
        state(endpoint, held, now),
        Cell::at(Some(Moment::new(endpoint.created_at, now))),
    ])
}

/// Whether it is sent to, and if not, why and until when.
pub(super) fn state(endpoint: &Endpoint, held: Option<&Held>, now: Timestamp) -> Cell {
    let waiting = held
        .and_then(|held| held.due_at)
        .map(|due| format!("; the oldest fell due {}", Moment::new(due, now).relative));
    let waiting = waiting.unwrap_or_default();
    match (endpoint.hold_reason(), held) {
        (Some(reason), _) => {
            let why = endpoint.disabled_reason.as_deref().map_or_else(|| reason.sentence().to_owned(), visible);
            Cell::tag(reason.to_string(), Tone::Warn).with(format!("{why}{waiting}"))
        }
        (None, Some(held)) => {
            let until = held.until.map(|until| format!(", next try {}", Moment::new(until, now).relative));
            let sentence = format!("{}{}{waiting}", held.reason.sentence(), until.unwrap_or_default());
            Cell::tag(held.reason.to_string(), Tone::Bad).with(sentence)
        }
        (None, None) => Cell::tag("enabled", Tone::Good),
    }
}
