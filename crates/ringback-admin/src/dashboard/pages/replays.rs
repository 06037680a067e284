//! `/replays`: who sent what again, and how far it has come; narrowed as `GET /v1/replays`.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{
    store::{ReplayFilter, ReplayRow, ReplayState},
    time::Timestamp,
};

use super::{
    listing::{Cell, Listing, Narrowed, Narrowing, Row, Table, older},
    phrases::{self, Tone},
};
use crate::{
    api::{
        Api,
        replays::listing::{Asked, STATES},
    },
    dashboard::{frame::Frame, moment::Moment, visible::visible, visitor::Visitor},
    problem::Problem,
};

const PAGE: &str = "/replays";

const HEAD: &[&str] = &["Replay", "State", "What", "Sent", "Delivered", "Dead again", "Begun"];

/// `GET /replays`
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
    let (frame, now) = (visitor.frame(api), Timestamp::now());
    Ok(Listing {
        title: "Replays",
        hint: "Newest first. A replay sends many deliveries again; dead letters have a button that begins one.",
        narrowing: Narrowing::new(&visitor.mount, PAGE)
            .text(narrowed, "Tenant", "tenant")
            .one_of(narrowed, "State", "state", &STATES)
            .span(narrowed),
        table: Table::new(HEAD, rows.iter().map(|replay| row(&frame, replay, now)).collect()),
        nothing: "No replay matches.",
        older: older(narrowed, &visitor.mount, PAGE, cursor),
        frame,
    })
}

fn row(frame: &Frame, replay: &ReplayRow, now: Timestamp) -> Row {
    let id = replay.id.map(|id| id.to_string()).unwrap_or_default();
    let link = format!("{}/replays/{id}", frame.mount);
    let what = Cell::text(visible(&conditions(&replay.filter)));
    Row::of(vec![
        Cell::key(id, link),
        Cell::tag(replay.state.to_string(), tone(replay.state)),
        match &replay.note {
            Some(note) => what.with(visible(note)),
            None => what,
        },
        Cell::text(format!("{} of {}", phrases::number(replay.released), phrases::number(replay.matched))),
        Cell::text(phrases::number(replay.delivered)),
        Cell::text(phrases::number(replay.dead)),
        Cell::at(Some(Moment::new(replay.created_at, now))),
    ])
}

/// What a state looks like.
pub(super) const fn tone(state: ReplayState) -> Tone {
    match state {
        ReplayState::Completed => Tone::Good,
        ReplayState::Running => Tone::Warn,
        _ => Tone::Plain,
    }
}

/// A filter in words: `dead, tenant acme, reason exhausted`.
pub(super) fn conditions(filter: &ReplayFilter) -> String {
    let conditions = [
        ("tenant", filter.tenant.clone()),
        ("endpoint", filter.endpoint.map(|id| id.to_string())),
        ("type", filter.event_type.clone()),
        ("key", filter.key.clone()),
        ("host", filter.host.clone()),
        ("reason", filter.reason.map(|reason| reason.to_string())),
        ("last answer", filter.last_status.map(|status| status.to_string())),
        ("since", filter.created.since.map(|at| at.to_string())),
        ("until", filter.created.until.map(|at| at.to_string())),
    ];
    let conditions = conditions.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
    std::iter::once(filter.status.to_string()).chain(conditions).collect::<Vec<_>>().join(", ")
}
