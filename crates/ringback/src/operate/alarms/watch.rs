//! The task that notes, and has told what is due.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    book::{About, Book},
    kept,
    runs::Run,
    tell::tell,
};
use crate::{
    Engine,
    deliver::Delivering,
    delivery::{LaneId, SHARDS},
    directory::Directory,
    endpoint::UNREADABLE,
    id::{DeliveryId, EndpointId},
    store::{self, DeadGroup, GroupFilter, Span},
    time::Timestamp,
    told::Told,
};

/// Between rounds.
const EVERY: Duration = Duration::from_secs(1);

/// A node that neither tells nor has anything to note reads the book this often, and when its shards change: another node may
/// have noted an endpoint as failing that this one sends to now.
const READ_EVERY: Duration = Duration::from_secs(10);

/// For how long the same time is looked through again while nothing dies.
const LOOKED_AGAIN: Duration = Duration::from_secs(60);

/// Notes and tells until `stop`.
pub(crate) async fn watch(delivering: Arc<Delivering>, stop: CancellationToken) {
    let mut last = None;
    while !stop.is_cancelled() {
        if let Err(error) = round(&delivering, &mut last).await {
            tracing::debug!(%error, "operational events wait for the database");
        }
        delivering.pause(EVERY, &stop).await;
    }
}

/// When the book was read last, and which shards this node owned then.
type Read = (Instant, Vec<bool>);

/// One round.
async fn round(delivering: &Delivering, last: &mut Option<Read>) -> store::Result<()> {
    let (engine, tells) = (delivering.engine(), delivering.owns(0));
    let directory = engine.directory().await?;
    let runs = engine.runs();
    let owned: Vec<_> = (0..SHARDS).map(|shard| delivering.owns(shard)).collect();
    runs.keep(|endpoint| {
        let shard = usize::from(LaneId::of_endpoint(endpoint).shard());
        owned[shard] && directory.endpoint(endpoint).is_some_and(|it| it.hold_reason().is_none())
    });
    disable_failing(delivering, &directory).await;
    // Of the endpoints of a shard that has just come, the book knows which are noted as failing: their next success counts.
    let is_known = last.as_ref().is_some_and(|(at, shards)| at.elapsed() < READ_EVERY && *shards == owned);
    if !tells && runs.are_quiet() && is_known {
        return Ok(());
    }
    let (at, failing_after) = (Timestamp::now(), engine.settings().operations.failing_after);
    let failing = runs.which(|_, run| at.since(run.since) >= failing_after);
    let recovered = runs.recovered();

    let kept = kept::read(engine).await?;
    let before = kept::parse(&kept);
    let now = delivering.database_now();
    let news = if tells { Some(look(engine, &before, now).await?) } else { None };
    let book = kept::change_from(engine, kept, |book| {
        for (endpoint, run) in &failing {
            if let Some(about) = about(engine, &directory, *endpoint) {
                let since = delivering.in_database_time(run.since);
                book.begun(Told::Failing, with(about, run), since, run.failures);
            }
        }
        for endpoint in &recovered {
            if let Some(about) = about(engine, &directory, *endpoint) {
                book.ended(Told::Failing, &about, Some(Told::Recovered));
            }
        }
        if let Some(news) = &news {
            news.note(book, &before, engine, &directory);
            book.forget(now);
        }
    })
    .await?;
    *last = Some((Instant::now(), owned));
    runs.noted(&recovered);
    runs.stand(book.standing(Told::Failing).map(|(endpoint, since)| (endpoint, delivering.in_host_time(since))));
    if tells { tell(engine, &directory, book.due(now), now).await } else { Ok(()) }
}

fn with(about: About, run: &Run) -> About {
    About { last_error: Some(run.error()), example: Some(run.example), ..about }
}

/// What is noted of an endpoint; `None` of those that operational events themselves are sent to, about which none is made.
fn about(engine: &Engine, directory: &Directory, endpoint: EndpointId) -> Option<About> {
    let tenant = directory.endpoint(endpoint)?.tenant.clone();
    let is_told_of = tenant != engine.settings().operations.tenant;
    is_told_of.then(|| About { tenant: Some(tenant), endpoint: Some(endpoint), ..About::default() })
}

/// Disables endpoints at which nothing but failures has come for as long as they or the configuration allow.
async fn disable_failing(delivering: &Delivering, directory: &Directory) {
    let engine = delivering.engine();
    let runs = engine.runs();
    let otherwise = engine.settings().operations.disable_after;
    let is_too_long = |id: EndpointId, run: &Run| {
        let own = directory.endpoint(id).and_then(|endpoint| endpoint.spec.disable_after);
        own.map(Duration::from).or(otherwise).is_some_and(|after| run.lasted() >= after)
    };
    for (id, run) in runs.which(is_too_long) {
        let Some(endpoint) = directory.endpoint(id) else { continue };
        match engine.disable(id, endpoint.version, FAILING_TOO_LONG).await {
            Ok(false) => {
                runs.keep(|endpoint| endpoint != id);
                let since = delivering.in_database_time(run.since);
                engine.note_disabled(id, FAILING_TOO_LONG, since, run.example, &run.error()).await;
            }
            // It was changed meanwhile, perhaps to where it succeeds.
            Ok(true) => {}
            Err(error) => tracing::warn!(endpoint = %id, %error, "could not disable an endpoint that fails"),
        }
    }
}

/// Why an endpoint is disabled at which nothing has succeeded for too long.
const FAILING_TOO_LONG: &str = "failing_too_long";

/// What the one that tells has found in the database.
struct News {
    deaths: Vec<(DeadGroup, Option<String>)>,
    /// Up to here was looked.
    until: Timestamp,
    /// Since when something is due that nothing holds, if that is too long.
    stale_since: Option<Timestamp>,
}

async fn look(engine: &Engine, book: &Book, now: Timestamp) -> store::Result<News> {
    // A death is kept with the time of the statement that records it, and can be read once that is committed: up to where was
    // looked, nothing more may come. The store tells of what is open, but not before it has written something; that is what
    // half a lease is for.
    let until = engine.store().written_until().await?.min(now - engine.settings().lease / 2);
    let deaths = match book.looked_until.map(Timestamp::from_micros) {
        // What died before anybody looked is no news.
        None => Vec::new(),
        Some(since) if since >= until => Vec::new(),
        Some(since) => {
            let died = Span { since: Some(since), until: Some(until) };
            engine.dead_letter_groups(&GroupFilter { died, ..GroupFilter::default() }).await?.items
        }
    };
    let age = engine.oldest_due_unheld().await?;
    let stale = age.filter(|age| *age >= engine.settings().operations.stale_after);
    let stale_since = stale.map(|age| now - age);
    Ok(News { deaths, until, stale_since })
}

impl News {
    fn note(&self, book: &mut Book, read: &Book, engine: &Engine, directory: &Directory) {
        if book.looked_until == read.looked_until {
            // Groups come with the newest death first; the newest is the example.
            for (group, host) in self.deaths.iter().rev() {
                if group.tenant != engine.settings().operations.tenant {
                    book.died(of_group(group, host.clone()), group.reason, group.first_died_at, group.count);
                }
            }
            // Moved on at once where something was counted, which must not be counted again; otherwise now and then, so that a
            // database in which nothing happens is not written to.
            let moves = match book.looked_until.map(Timestamp::from_micros) {
                Some(before) => !self.deaths.is_empty() || self.until.since(before) >= LOOKED_AGAIN,
                None => true,
            };
            if moves {
                book.looked_until = Some(self.until.micros().max(book.looked_until.unwrap_or(0)));
            }
        }
        match self.stale_since {
            Some(since) => book.begun(Told::Stale, About::default(), since, 1),
            None => book.ended(Told::Stale, &About::default(), Some(Told::Fresh)),
        }
        book.keep(Told::Failing, |endpoint| directory.endpoint(endpoint).is_some());
        book.keep(Told::Disabled, |endpoint| directory.endpoint(endpoint).is_some_and(|it| it.unreadable.is_some()));
        for endpoint in directory.unreadable() {
            if let Some(about) = about(engine, directory, endpoint) {
                let reason = Some(UNREADABLE.to_owned());
                book.begun(Told::Disabled, About { reason, ..about }, self.until, 1);
            }
        }
    }
}

fn of_group(group: &DeadGroup, host: Option<String>) -> About {
    let last_error = match (group.last_status, &group.last_error) {
        (Some(status), _) => Some(format!("status {status}")),
        (None, error) => error.clone(),
    };
    About {
        tenant: Some(group.tenant.clone()),
        endpoint: group.endpoint,
        host: host.filter(|_| group.endpoint.is_none()),
        last_error,
        example: Some(group.example),
        ..About::default()
    }
}

impl Engine {
    /// Notes that Ringback has disabled an endpoint. If the database does not take it, only the log has told.
    pub(crate) async fn note_disabled(
        &self,
        endpoint: EndpointId,
        reason: &str,
        since: Timestamp,
        example: DeliveryId,
        last_error: &str,
    ) {
        let noted = async {
            let directory = self.directory().await?;
            let Some(about) = about(self, &directory, endpoint) else { return Ok(()) };
            let (reason, last_error) = (Some(reason.to_owned()), Some(last_error.to_owned()));
            let about = About { reason, last_error, example: Some(example), ..about };
            kept::change(self, |book| {
                book.ended(Told::Failing, &about, None);
                book.happened(Told::Disabled, about.clone(), since);
            })
            .await
            .map(drop)
        };
        if let Err(error) = noted.await {
            tracing::warn!(%endpoint, %error, "that the endpoint is disabled could not be noted");
        }
    }
}
