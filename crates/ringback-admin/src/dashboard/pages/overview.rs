//! `/`: is anything wrong, what is held, what was given up.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderValue, header};
use ringback::{
    delivery::Status,
    id::DeliveryId,
    store::{DeliveryFilter, DeliveryRow, Ledger, Span},
    time::Timestamp,
};

use super::{
    parameter,
    words::{self, Tone},
};
use crate::{
    api::Api,
    dashboard::{
        backlog::{Backlog, Held},
        frame::Frame,
        moment::{Moment, span},
        refusal::rendered,
        visible::visible,
        visitor::Visitor,
    },
    problem::Problem,
    view::Destinations,
};

/// How many dead letters are shown.
const LETTERS_MAX: u32 = 25;

/// From here on a due delivery is late, in seconds: healthy lanes send within a moment.
const LATE: u64 = 60;

/// From here on it is very late.
const VERY_LATE: u64 = 600;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    headline: Headline,
    tiles: Vec<Tile>,
    held: Vec<HeldLane>,
    held_more: usize,
    letters: Vec<Letter>,
    dead: i64,
    letters_shown: usize,
    is_empty: bool,
    notice: Option<Notice>,
    now: Moment,
}

struct Headline {
    text: String,
    tone: Tone,
}

struct Tile {
    label: &'static str,
    value: String,
    note: &'static str,
    tone: Tone,
}

struct HeldLane {
    host: String,
    name: Option<String>,
    tenant: String,
    reason: &'static str,
    until: Option<Moment>,
    waiting: Option<Moment>,
}

struct Letter {
    id: DeliveryId,
    event_type: String,
    key: Option<String>,
    tenant: String,
    host: String,
    reason: String,
    meaning: &'static str,
    last: String,
    attempts: i32,
    died: Option<Moment>,
}

/// What became of the delivery that was just put back.
struct Notice {
    id: DeliveryId,
    what: String,
    host: String,
    text: &'static str,
    tone: Tone,
    /// It will be known in a moment.
    is_open: bool,
}

/// A replay that is due within this time is watched: the page looks again by itself.
const WATCHED: Duration = Duration::from_secs(30);

/// `GET /?replayed=`: the delivery that was just put back.
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let page = read(&api, &visitor, parameter(query.as_deref(), "replayed"))
        .await
        .map_err(|problem| visitor.refused(problem))?;
    let mut response = rendered(&page);
    if page.notice.is_some_and(|notice| notice.is_open) {
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("2"));
    }
    Ok(response)
}

async fn read(api: &Api, visitor: &Visitor, replayed: Option<String>) -> Result<Page, Problem> {
    let (access, now) = (&visitor.access, Timestamp::now());
    let ledger = api.store().ledger(access.tenant.as_deref(), Span::default()).await?;
    let backlog = Backlog::read(api, access).await?;
    let filter = DeliveryFilter { tenant: access.tenant.clone(), ..DeliveryFilter::default() };
    let rows = api.store().list_dead_letters(&filter, None, LETTERS_MAX).await?.items;
    let destinations = Destinations::of(&api.engine, &rows).await?;
    let letters: Vec<_> = rows.iter().map(|row| Letter::of(row, destinations.url(row), now)).collect();
    Ok(Page {
        frame: visitor.frame(api),
        headline: Headline::of(&ledger, &backlog),
        tiles: tiles(&ledger, &backlog),
        held_more: backlog.held_more,
        held: backlog.held.into_iter().map(|held| HeldLane::of(held, now)).collect(),
        letters_shown: letters.len(),
        letters,
        dead: ledger.deliveries.dead,
        is_empty: ledger.events.accepted == 0,
        notice: notice(api, visitor, replayed).await?,
        now: Moment::new(now, now),
    })
}

impl Headline {
    fn of(ledger: &Ledger, backlog: &Backlog) -> Self {
        let mut parts = Vec::new();
        let mut tone = Tone::Good;
        let mut say = |count: i64, one: &str, many: &str, how: Tone| {
            if count > 0 {
                parts.push(format!("{} {}", words::number(count), if count == 1 { one } else { many }));
                tone = tone.max(how);
            }
        };
        let held = i64::try_from(backlog.held.len() + backlog.held_more).unwrap_or(i64::MAX);
        say(ledger.deliveries.dead, "dead letter", "dead letters", Tone::Bad);
        say(held, "destination held", "destinations held", Tone::Warn);
        if let Some(late) = backlog.oldest_due.map(|age| age.as_secs()).filter(|&age| age >= LATE) {
            parts.push(format!("the oldest due delivery waits for {}", span(late)));
            tone = tone.max(lateness(late));
        }
        let text = if parts.is_empty() { "All is well".to_owned() } else { parts.join(", ") };
        Self { text, tone }
    }
}

const fn lateness(seconds: u64) -> Tone {
    match seconds {
        0..LATE => Tone::Plain,
        LATE..VERY_LATE => Tone::Warn,
        _ => Tone::Bad,
    }
}

fn tiles(ledger: &Ledger, backlog: &Backlog) -> Vec<Tile> {
    let age = backlog.oldest_due.map(|age| age.as_secs());
    let tile = |label, count: i64, note, tone| {
        let tone = if count == 0 { Tone::Plain } else { tone };
        Tile { label, value: words::number(count), note, tone }
    };
    let (events, deliveries) = (&ledger.events, &ledger.deliveries);
    vec![
        Tile {
            label: "Oldest due",
            value: age.map_or_else(|| "none".to_owned(), span),
            note: "held ones included",
            tone: age.map_or(Tone::Plain, lateness),
        },
        tile("Pending", deliveries.pending, "still owed", Tone::Plain),
        tile("Dead letters", deliveries.dead, "given up", Tone::Bad),
        tile("Delivered", deliveries.delivered, "answered 2xx", Tone::Plain),
        tile("Cancelled", deliveries.cancelled, "will not be sent", Tone::Plain),
        tile("Events", events.accepted, "accepted", Tone::Plain),
        tile("Unmatched", events.unmatched, "nobody wants them", Tone::Plain),
        tile("Unrouted", events.unrouted, "in the outbox", Tone::Plain),
    ]
}

impl HeldLane {
    fn of(held: Held, now: Timestamp) -> Self {
        Self {
            host: visible(&words::host(held.url.as_deref())),
            name: held.name.as_deref().map(visible),
            tenant: visible(&held.tenant),
            reason: words::hold(held.reason),
            until: held.until.map(|until| Moment::new(until, now)),
            waiting: held.due_at.map(|due| Moment::new(due, now)),
        }
    }
}

impl Letter {
    fn of(row: &DeliveryRow, url: Option<String>, now: Timestamp) -> Self {
        Self {
            id: row.id,
            event_type: visible(&row.event.event_type),
            key: row.event.key.as_deref().map(visible),
            tenant: visible(&row.event.tenant),
            host: visible(&words::host(url.as_deref())),
            reason: row.reason.map(|reason| reason.to_string()).unwrap_or_default(),
            meaning: row.reason.map_or("", words::death),
            last: visible(&words::last(row)),
            attempts: row.attempts,
            died: row.finished_at.map(|at| Moment::new(at, now)),
        }
    }
}

/// What the address says was replayed is looked up: a link that somebody made can only tell the truth.
async fn notice(api: &Api, visitor: &Visitor, replayed: Option<String>) -> Result<Option<Notice>, Problem> {
    let Some(id) = replayed.and_then(|id| id.parse().ok()) else { return Ok(None) };
    let row = api.store().delivery(id).await?.filter(|row| visitor.access.sees(&row.event.tenant));
    let Some(row) = row else { return Ok(None) };
    let (destinations, now) = (Destinations::of(&api.engine, std::slice::from_ref(&row)).await?, Timestamp::now());
    let is_held = row.hold.is_some() || destinations.hold(&row).is_some();
    let due = row.due_at.filter(|_| !is_held);
    let (text, tone) = match row.status {
        Status::Pending if is_held => ("waits: its destination is held.", Tone::Warn),
        Status::Pending if due.is_some_and(|due| due <= now) => ("is being sent again.", Tone::Warn),
        Status::Pending => ("was sent again and failed; it will be tried once more.", Tone::Warn),
        Status::Delivered => ("was delivered.", Tone::Good),
        Status::Dead => ("was sent again and failed again.", Tone::Bad),
        Status::Cancelled => ("was cancelled.", Tone::Plain),
    };
    Ok(Some(Notice {
        id,
        what: visible(row.event.key.as_deref().unwrap_or(&row.event.event_type)),
        host: visible(&words::host(destinations.url(&row).as_deref())),
        text,
        tone,
        is_open: due.is_some_and(|due| due.since(now) <= WATCHED),
    }))
}
