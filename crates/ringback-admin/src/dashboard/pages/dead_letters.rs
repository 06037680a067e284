//! `/dead-letters`: what was given up, in groups by cause and one by one.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{delivery::DeadReason, operate::dead_letters::Groups, store::DeliveryRow, time::Timestamp};

use super::{
    groups,
    listing::{Act, Cell, Narrowed, Narrowing, Row, Table, older},
    phrases::{self, Tone},
};
use crate::{
    api::{Api, dead_letters::Asked},
    dashboard::{frame::Frame, moment::Moment, visible::visible, visitor::Visitor},
    problem::Problem,
    view::Destinations,
};

/// Most groups that are shown.
const GROUPS_SHOWN: usize = 100;

const PAGE: &str = "/dead-letters";

const HEAD: &[&str] = &["What", "Destination", "Why", "Tries", "Given up"];

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct Page {
    frame: Frame,
    groups: Table,
    more_groups: u64,
    narrowing: Narrowing,
    table: Table,
    older: Option<String>,
}

/// `GET /dead-letters`, narrowed as `GET /v1/dead-letters`.
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Page, Problem> {
    let asked: Asked = narrowed.asked()?;
    let (frame, now) = (visitor.frame(api), Timestamp::now());
    let groups = match asked.begins() {
        true => {
            let mut filter = asked.grouped();
            filter.tenant = visitor.access.listed(filter.tenant)?;
            api.engine.dead_letter_groups(&filter).await?
        }
        false => Groups::default(),
    };
    let shown = groups::table(api, &frame, &groups, GROUPS_SHOWN).await?;
    let more_groups = groups.more + groups.items.len().saturating_sub(GROUPS_SHOWN) as u64;
    let (letters, cursor) = asked.page(api, &visitor.access).await?;
    let destinations = Destinations::of(&api.engine, &letters).await?;
    let rows = letters.iter().map(|letter| row(&frame, letter, destinations.url(letter).as_deref(), now));
    let narrowing = Narrowing::new(&visitor.mount, PAGE)
        .text(narrowed, "Tenant", "tenant")
        .text(narrowed, "Endpoint", "endpoint_id")
        .text(narrowed, "Type", "type")
        .text(narrowed, "Key", "key")
        .word::<DeadReason>(narrowed, "Reason", "reason")
        .span(narrowed);
    Ok(Page {
        groups: shown,
        more_groups,
        narrowing,
        table: Table::new(HEAD, rows.collect()),
        older: older(narrowed, &visitor.mount, PAGE, cursor),
        frame,
    })
}

fn row(frame: &Frame, letter: &DeliveryRow, url: Option<&str>, now: Timestamp) -> Row {
    let link = format!("{}/deliveries/{}", frame.mount, letter.id);
    let reason = letter.reason.map(|reason| format!("{reason}: {}", reason.sentence())).unwrap_or_default();
    Row {
        id: None,
        act: frame.may_operate().then(|| Act::Post {
            action: format!("{link}/replay"),
            form: frame.form.clone(),
            hidden: vec![("dead_letter", letter.id.to_string())],
            label: "Replay",
            about: letter.id.to_string(),
        }),
        cells: vec![
            phrases::what(&letter.event, link),
            Cell::code(visible(&phrases::host(url))).with(visible(&letter.event.tenant)),
            Cell::tag(visible(&phrases::last(letter)), Tone::Bad).with(reason),
            Cell::text(letter.attempts.to_string()),
            Cell::at(letter.finished_at.map(|at| Moment::new(at, now))),
        ],
    }
}
