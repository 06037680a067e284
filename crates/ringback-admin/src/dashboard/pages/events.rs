//! `/events`: what happened, and what became of it in routing; narrowed as `GET /v1/events`.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{
    store::{EventRow, EventState},
    time::Timestamp,
};

use super::{
    listing::{Cell, Listing, Narrowed, Narrowing, Row, Table, older},
    phrases::{self, Tone},
};
use crate::{
    api::{Api, events::listing::Asked},
    dashboard::{moment::Moment, mount::Mount, visible::visible, visitor::Visitor},
    problem::Problem,
};

const PAGE: &str = "/events";

const HEAD: &[&str] = &["What", "Tenant", "State", "Size", "Accepted"];

/// `GET /events`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Listing, Problem> {
    let (rows, cursor) = narrowed.asked::<Asked>()?.page(api, &visitor.access).await?;
    Ok(Listing {
        frame: visitor.frame(api),
        title: "Events",
        hint: "Newest first. Each page of an event says which endpoints got it, and why others did not.",
        narrowing: Narrowing::new(&visitor.mount, PAGE)
            .text(narrowed, "Tenant", "tenant")
            .text(narrowed, "Type", "type")
            .text(narrowed, "Key", "key")
            .word::<EventState>(narrowed, "State", "state")
            .span(narrowed),
        table: table(&visitor.mount, &rows),
        nothing: "No event matches.",
        older: older(narrowed, &visitor.mount, PAGE, cursor),
    })
}

/// Events as a table.
pub(super) fn table(mount: &Mount, rows: &[EventRow]) -> Table {
    let now = Timestamp::now();
    let row = |row: &EventRow| {
        Row::of(vec![
            phrases::what(&row.event, format!("{mount}/events/{}", row.event.id)),
            Cell::text(visible(&row.event.tenant)),
            Cell::tag(row.state.to_string(), tone(row.state)).with(row.state.sentence()),
            Cell::text(phrases::bytes(row.payload_bytes)),
            Cell::at(Some(Moment::new(row.event.id.accepted_at(), now))),
        ])
    };
    Table::new(HEAD, rows.iter().map(row).collect())
}

/// What a state looks like.
pub(super) const fn tone(state: EventState) -> Tone {
    match state {
        EventState::Routed => Tone::Good,
        EventState::Unmatched => Tone::Warn,
        EventState::Unrouted | EventState::Duplicate => Tone::Plain,
    }
}
