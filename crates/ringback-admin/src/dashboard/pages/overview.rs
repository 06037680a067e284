//! `/`: whether anything is wrong, which lanes are held, and the dead letters by cause.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{
    delivery::Status,
    id::DeliveryId,
    operate::{figures::COUNTED_MAX, held::Held, tally::Tally},
    store::{GroupFilter, Ledger, Subject},
    time::{Timestamp, span},
};

use super::{
    endpoints, groups,
    listing::Table,
    ours::Ours,
    parameter,
    phrases::{self, Tone},
    strip::Strip,
};
use crate::{
    api::Api,
    dashboard::{frame::Frame, moment::Moment, visible::visible, visitor::Visitor},
    problem::Problem,
    view::Destinations,
};

/// How many groups of dead letters are shown.
const GROUPS_MAX: usize = 25;

/// How many failing endpoints are shown.
const FAILING_MAX: usize = 20;

/// How many held destinations are shown.
const HELD_MAX: usize = 20;

/// From here on a due delivery is late, in seconds: healthy lanes send within a moment.
const LATE: u64 = 60;

/// From here on it is very late.
const VERY_LATE: u64 = 600;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    headline: Headline,
    /// Whether Ringback keeps up, and what became of deliveries, which is up to their receivers, too.
    sides: [Side; 2],
    held: Vec<HeldLane>,
    held_more: usize,
    failing: Table,
    strip: Strip,
    groups: Table,
    more_groups: u64,
    is_empty: bool,
    notice: Option<Notice>,
    now: Moment,
    /// When the totals were counted, if that is a while ago.
    counted: Option<Moment>,
}

struct Headline {
    text: String,
    tone: Tone,
}

/// Numbers about one side.
struct Side {
    name: &'static str,
    id: &'static str,
    tiles: Vec<Tile>,
}

/// A number with what it means.
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: String,
    pub(super) tone: Tone,
}

struct HeldLane {
    host: String,
    name: Option<String>,
    tenant: String,
    reason: &'static str,
    until: Option<Moment>,
    waiting: Option<Moment>,
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
) -> Response {
    let page = read(&api, &visitor, parameter(query.as_deref(), "replayed")).await;
    visitor.shown(page)
}

/// The totals are as old as this before the page says so.
const COUNTED_LATELY: Duration = Duration::from_secs(2);

async fn read(api: &Api, visitor: &Visitor, replayed: Option<String>) -> Result<Page, Problem> {
    let (access, now) = (&visitor.access, Timestamp::now());
    let (engine, tenant) = (&api.engine, access.tenant.as_deref());
    let oldest_due = engine.oldest_due(tenant).await?;
    let (held, held_more) = engine.held(tenant, HELD_MAX).await?;
    let filter = GroupFilter { tenant: access.tenant.clone(), ..GroupFilter::default() };
    let groups = engine.dead_letter_groups(&filter).await?;
    let dead = groups.items.iter().map(|(group, _)| group.count).sum::<u64>();
    let dead = Count { of: i64::try_from(dead).unwrap_or(i64::MAX), more: groups.more > 0 };
    let counts = Counts::read(api, tenant, dead).await?;
    let strip = Strip::of(engine, &access.tenant.clone().map_or(Subject::All, Subject::Tenant)).await?;
    let failing = engine.failing(tenant, FAILING_MAX).await?;
    let Ours { tiles: mut ours, is_idle } = Ours::read(api, tenant).await?;
    ours.push(unrouted(&counts));
    let notice = notice(api, visitor, replayed).await?;
    let frame = visitor.frame(api).looking_again(notice.as_ref().is_some_and(|notice| notice.is_open));
    let counted_at = counts.tally.map(|tally| tally.counted_at).filter(|&at| now.since(at) > COUNTED_LATELY);
    Ok(Page {
        headline: Headline::of(&counts, is_idle, held.len() + held_more, oldest_due),
        sides: [
            Side { name: "On this side", id: "ours", tiles: ours },
            Side { name: "With the receivers", id: "theirs", tiles: tiles(&counts, oldest_due) },
        ],
        failing: endpoints::failing(&visitor.mount, &failing, now),
        strip,
        held_more,
        held: held.into_iter().map(|held| HeldLane::of(held, now)).collect(),
        groups: groups::table(api, &frame, &groups, GROUPS_MAX).await?,
        more_groups: groups.more + groups.items.len().saturating_sub(GROUPS_MAX) as u64,
        frame,
        is_empty: counts.tally.is_some_and(|tally| tally.ledger.events.accepted == 0),
        notice,
        now: Moment::new(now, now),
        counted: counted_at.map(|at| Moment::new(at, now)),
    })
}

/// The counts of the page: dead and, of all tenants, pending deliveries as of now, the totals as of their last count.
struct Counts {
    pending: Option<Count>,
    dead: Count,
    tally: Option<Tally>,
}

/// A number, or the bound that counting stopped at.
#[derive(Clone, Copy)]
struct Count {
    of: i64,
    more: bool,
}

impl Counts {
    /// For one tenant, pending deliveries cannot be counted quickly, so their number is from the totals.
    async fn read(api: &Api, tenant: Option<&str>, dead: Count) -> Result<Self, Problem> {
        let tally = api.engine.tally(tenant).await;
        let counted = |of| Count { of, more: false };
        let pending = if tenant.is_some() {
            tally.map(|tally| counted(tally.ledger.deliveries.pending))
        } else {
            Some(Count::up_to_max(api.engine.backlog().await?.pending))
        };
        Ok(Self { pending, dead, tally })
    }

    fn total(&self, label: &'static str, of: fn(&Ledger) -> i64, note: &str) -> Tile {
        let count = self.tally.map(|tally| Count { of: of(&tally.ledger), more: false });
        tile(label, count, note, Tone::Plain)
    }
}

impl Count {
    fn up_to_max(count: u32) -> Self {
        Self { of: count.into(), more: count >= COUNTED_MAX }
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", phrases::number(self.of), if self.more { "+" } else { "" })
    }
}

impl Headline {
    fn of(counts: &Counts, is_idle: bool, held: usize, oldest_due: Option<Duration>) -> Self {
        let (mut parts, mut tone) = (Vec::new(), Tone::Good);
        if is_idle {
            parts.push("No node is alive".to_owned());
            tone = Tone::Bad;
        }
        let mut say = |count: Count, one: &str, many: &str, how: Tone| {
            if count.of > 0 {
                parts.push(format!("{count} {}", if count.of == 1 { one } else { many }));
                tone = tone.max(how);
            }
        };
        say(counts.dead, "dead letter", "dead letters", Tone::Bad);
        let held = Count { of: i64::try_from(held).unwrap_or(i64::MAX), more: false };
        say(held, "destination held", "destinations held", Tone::Warn);
        if let Some(late) = oldest_due.map(|age| age.as_secs()).filter(|&age| age >= LATE) {
            parts.push(format!("the oldest due delivery waits for {}", span(late)));
            tone = tone.max(lateness(late));
        }
        let text = if parts.is_empty() { "All is well".to_owned() } else { parts.join(", ") };
        Self { text, tone }
    }
}

pub(super) const fn lateness(seconds: u64) -> Tone {
    match seconds {
        0..LATE => Tone::Plain,
        LATE..VERY_LATE => Tone::Warn,
        _ => Tone::Bad,
    }
}

fn tiles(counts: &Counts, oldest_due: Option<Duration>) -> Vec<Tile> {
    let age = oldest_due.map(|age| age.as_secs());
    vec![
        Tile {
            label: "Oldest due",
            value: age.map_or_else(|| "none".to_owned(), span),
            note: "held ones included".to_owned(),
            tone: age.map_or(Tone::Plain, lateness),
        },
        tile("Pending", counts.pending, "still owed", Tone::Plain),
        tile("Dead letters", Some(counts.dead), "given up", Tone::Bad),
        counts.total("Delivered", |ledger| ledger.deliveries.delivered, "answered 2xx"),
        counts.total("Cancelled", |ledger| ledger.deliveries.cancelled, "will not be sent"),
        counts.total("Events", |ledger| ledger.events.accepted, "accepted"),
        counts.total("Unmatched", |ledger| ledger.events.unmatched, "nobody wants them"),
    ]
}

fn unrouted(counts: &Counts) -> Tile {
    counts.total("Unrouted", |ledger| ledger.events.unrouted, "in the outbox")
}

fn tile(label: &'static str, count: Option<Count>, note: &str, tone: Tone) -> Tile {
    let tone = if count.is_none_or(|count| count.of == 0) { Tone::Plain } else { tone };
    let value = count.map_or_else(|| "…".to_owned(), |count| count.to_string());
    Tile { label, value, note: note.to_owned(), tone }
}

impl HeldLane {
    fn of(held: Held, now: Timestamp) -> Self {
        Self {
            host: visible(&phrases::host(held.url.as_deref())),
            name: held.name.as_deref().map(visible),
            tenant: visible(&held.tenant),
            reason: held.reason.sentence(),
            until: held.until.map(|until| Moment::new(until, now)),
            waiting: held.due_at.map(|due| Moment::new(due, now)),
        }
    }
}

/// The notice about the delivery that the address names. Its state is looked up, so a forged link can tell nothing false.
async fn notice(api: &Api, visitor: &Visitor, replayed: Option<String>) -> Result<Option<Notice>, Problem> {
    let Some(id) = replayed.and_then(|id| id.parse().ok()) else { return Ok(None) };
    let row = api.engine.delivery(id).await?.filter(|row| visitor.access.sees(&row.event.tenant));
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
        host: visible(&phrases::host(destinations.url(&row).as_deref())),
        text,
        tone,
        is_open: due.is_some_and(|due| due.since(now) <= WATCHED),
    }))
}
