//! `/deliveries`: what was sent, or is to be, to whom; narrowed as `GET /v1/deliveries`.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{delivery::Status, store::DeliveryRow, time::Timestamp};

use super::{
    listing::{Cell, Listing, Narrowed, Narrowing, Row, Table, older},
    phrases,
};
use crate::{
    api::{Api, deliveries::Asked},
    dashboard::{moment::Moment, mount::Mount, visible::visible, visitor::Visitor},
    problem::Problem,
    view::Destinations,
};

const PAGE: &str = "/deliveries";

const HEAD: &[&str] = &["What", "Destination", "Status", "Tries", "Accepted", "Ended"];

/// `GET /deliveries`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page)
}

/// `GET /tail`: the newest, as they come.
pub(in crate::dashboard) async fn follow(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page.map(|page| {
        let narrowing = page.narrowing.leading_to(&visitor.mount, "/tail");
        let hint = "Newest first, as they come.";
        Listing { frame: page.frame.looking_again(true), title: "Tail", hint, narrowing, older: None, ..page }
    }))
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Listing, Problem> {
    let (rows, cursor) = narrowed.asked::<Asked>()?.page(api, &visitor.access).await?;
    Ok(Listing {
        frame: visitor.frame(api),
        title: "Deliveries",
        hint: "Newest first. A delivery is one event owed to one destination; /tail shows them as they come.",
        narrowing: Narrowing::new(&visitor.mount, PAGE)
            .text(narrowed, "Tenant", "tenant")
            .text(narrowed, "Endpoint", "endpoint_id")
            .text(narrowed, "Event", "event_id")
            .text(narrowed, "Type", "type")
            .text(narrowed, "Key", "key")
            .text(narrowed, "Host", "host")
            .word::<Status>(narrowed, "Status", "status")
            .span(narrowed),
        table: table(api, &visitor.mount, &rows).await?,
        nothing: "No delivery matches.",
        older: older(narrowed, &visitor.mount, PAGE, cursor),
    })
}

/// Deliveries as a table.
pub(super) async fn table(api: &Api, mount: &Mount, rows: &[DeliveryRow]) -> Result<Table, Problem> {
    let (destinations, now) = (Destinations::of(&api.engine, rows).await?, Timestamp::now());
    let row = |row: &DeliveryRow| {
        let held = destinations.hold(row).or(row.hold.map(|(_, reason)| reason)).filter(|_| row.due_at.is_some());
        let status = Cell::tag(row.status.to_string(), phrases::tone(row.status));
        let status = match (held, row.status) {
            (Some(reason), _) => status.with(format!("held: {}", reason.sentence())),
            (None, Status::Dead) => status.with(visible(&phrases::last(row))),
            (None, _) => status,
        };
        let when = |at| Cell::at(Some(Moment::new(at, now)));
        Row::of(vec![
            phrases::what(&row.event, format!("{mount}/deliveries/{}", row.id)),
            Cell::code(visible(&phrases::host(destinations.url(row).as_deref()))).with(visible(&row.event.tenant)),
            status,
            Cell::text(row.attempts.to_string()),
            when(row.created_at),
            row.finished_at.map_or_else(|| Cell::text("not yet"), when),
        ])
    };
    Ok(Table::new(HEAD, rows.iter().map(row).collect()))
}
