//! The task that notes and tells.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    book::{About, Book, Note},
    runs::{Run, Runs},
};
use crate::{
    Engine,
    deliver::Delivering,
    delivery::{LaneId, SHARDS},
    directory::Directory,
    emit,
    endpoint::UNREADABLE,
    event::NewEvent,
    id::{DeliveryId, EndpointId},
    store::{self, DeadGroup, GroupFilter, Span},
    time::Timestamp,
    told::{OperationalEvent, Place, Told},
};

/// Between rounds.
const EVERY: Duration = Duration::from_secs(1);

/// Most events that are told in one round.
const TOLD_MAX: usize = 20;

/// Tries of a change of the book that another node changes, too.
const TRIES_MAX: usize = 10;

/// The setting under which a store keeps the book.
const BOOK: &str = "operational_events";

/// Notes and tells until `stop`.
pub(crate) async fn watch(delivering: Arc<Delivering>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = round(&delivering).await {
            tracing::debug!(%error, "operational events wait for the database");
        }
        delivering.pause(EVERY, &stop).await;
    }
}

async fn round(delivering: &Delivering) -> store::Result<()> {
    let (engine, tells) = (delivering.engine(), delivering.owns(0));
    let directory = engine.directory().await?;
    let runs = engine.runs();
    let owned: Vec<_> = (0..SHARDS).map(|shard| delivering.owns(shard)).collect();
    runs.keep(|endpoint| {
        let shard = usize::from(LaneId::of_endpoint(endpoint).shard());
        owned[shard] && directory.endpoint(endpoint).is_some_and(|it| it.hold_reason().is_none())
    });
    disable_failing(engine, &directory, runs).await;
    let (at, failing_after) = (Timestamp::now(), engine.settings().operations.failing_after);
    let failing = runs.which(|_, run| at.since(run.since) >= failing_after);
    let recovered = runs.recovered();

    let before = read(engine).await?;
    let now = delivering.database_now();
    let news = if tells { Some(look(engine, &before, now).await?) } else { None };
    let book = change(engine, |book| {
        for (endpoint, run) in &failing {
            if let Some(about) = about(engine, &directory, *endpoint) {
                book.begun(Told::Failing, with(about, run), run.since, run.failures);
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
    runs.noted(&recovered);
    runs.stand(book.standing(Told::Failing));
    if tells { tell(engine, &directory, book.due(now), now).await } else { Ok(()) }
}

fn with(about: About, run: &Run) -> About {
    About { last_error: Some(run.error.clone()), example: Some(run.example), ..about }
}

/// What is noted of an endpoint; `None` of those that operational events themselves are sent to, about which none is made.
fn about(engine: &Engine, directory: &Directory, endpoint: EndpointId) -> Option<About> {
    let tenant = directory.endpoint(endpoint)?.tenant.clone();
    let is_told_of = tenant != engine.settings().operations.tenant;
    is_told_of.then(|| About { tenant: Some(tenant), endpoint: Some(endpoint), ..About::default() })
}

/// Disables endpoints at which nothing but failures has come for as long as they or the configuration allow.
async fn disable_failing(engine: &Engine, directory: &Directory, runs: &Runs) {
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
                engine.note_disabled(id, FAILING_TOO_LONG, run.since, run.example, &run.error).await;
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
            book.looked_until = Some(self.until.micros().max(book.looked_until.unwrap_or(0)));
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

/// Tells what is due, and notes that it was told.
async fn tell(engine: &Engine, directory: &Directory, due: Vec<Note>, now: Timestamp) -> store::Result<()> {
    for note in due.into_iter().take(TOLD_MAX) {
        let event = event_of(&note, directory, now);
        let mut listeners = directory.of_tenant(&engine.settings().operations.tenant);
        // An event that nobody wants would only be counted as unmatched.
        if listeners.any(|endpoint| endpoint.selects(note.told.name())) {
            emit(engine, &note, &event).await?;
        }
        log(&event);
        engine.subscribers().hand_out(event);
        change(engine, |book| book.told(&note, now)).await?;
    }
    Ok(())
}

/// Emits it. Told twice, by two nodes, it is one event: its idempotency key is the note's.
async fn emit(engine: &Engine, note: &Note, event: &OperationalEvent) -> store::Result<()> {
    let about = &note.about;
    let subject = about.endpoint.map(|id| id.to_string()).or_else(|| about.host.clone());
    let body = serde_json::to_vec(event).map_err(|error| store::Error::Refused(error.into()))?;
    let once = format!("{} {} {}", about.reason.as_deref().unwrap_or_default(), note.since, note.times);
    let mut new = NewEvent::new(note.told.name(), body).tenant(engine.settings().operations.tenant.clone());
    new.idempotency_key = Some(format!("{} {once}", subject.as_deref().unwrap_or_default()));
    new.key = subject;
    match engine.accept_own(new).await {
        // Whoever told it before may have counted less.
        Ok(_) | Err(emit::Error::IdempotencyConflict { .. }) => Ok(()),
        Err(emit::Error::Store(error)) => Err(error),
        Err(error) => {
            tracing::error!(%error, r#type = %note.told, "an operational event was refused");
            Ok(())
        }
    }
}

fn event_of(note: &Note, directory: &Directory, now: Timestamp) -> OperationalEvent {
    let about = &note.about;
    let endpoint = match (about.endpoint, &about.host) {
        (Some(id), _) => {
            let endpoint = directory.endpoint(id);
            Some(Place {
                id: Some(id),
                key: endpoint.and_then(|it| it.key.clone()),
                name: endpoint.and_then(|it| it.spec.name.clone()),
                url: endpoint.map(|it| it.spec.url.clone()),
            })
        }
        (None, Some(host)) => Some(Place { url: Some(format!("https://{host}")), ..Place::default() }),
        (None, None) => None,
    };
    OperationalEvent {
        r#type: note.told,
        at: now,
        tenant: about.tenant.clone(),
        endpoint,
        count: note.count,
        since: Timestamp::from_micros(note.since),
        reason: about.reason.clone(),
        last_error: about.last_error.clone(),
        example: about.example,
    }
}

/// A line for those who have nothing but the log. The URL is left out, which may hold a secret.
fn log(event: &OperationalEvent) {
    let endpoint = event.endpoint.as_ref().and_then(|place| place.id).map(tracing::field::display);
    let (tenant, reason) = (event.tenant.as_deref(), event.reason.as_deref());
    let (count, example) = (event.count, event.example.map(tracing::field::display));
    tracing::warn!(r#type = %event.r#type, tenant, endpoint, count, reason, example, "{}", event.r#type.sentence());
}

/// The book as it is kept.
async fn read(engine: &Engine) -> store::Result<Book> {
    Ok(engine.store().setting(BOOK).await?.map(|kept| parse(&kept)).unwrap_or_default())
}

/// A book that cannot be read is begun anew: what was told may be told again, which is better than silence.
fn parse(kept: &[u8]) -> Book {
    serde_json::from_slice(kept).unwrap_or_else(|error| {
        tracing::error!(%error, "what was noted of operational events cannot be read and is begun anew");
        Book::default()
    })
}

/// Changes the book, against whichever node changes it at the same time. Returns it as it is then.
async fn change(engine: &Engine, change: impl Fn(&mut Book)) -> store::Result<Book> {
    let write = |book: &Book| serde_json::to_vec(book).map_err(|error| store::Error::Refused(error.into()));
    let store = engine.store();
    for _ in 0..TRIES_MAX {
        let kept = match store.setting(BOOK).await? {
            Some(kept) => kept,
            None => store.keep_setting(BOOK, &write(&Book::default())?).await?,
        };
        let before = parse(&kept);
        let mut book = before.clone();
        change(&mut book);
        if book == before || store.replace_setting(BOOK, &kept, &write(&book)?, None).await? {
            return Ok(book);
        }
    }
    Err(store::Error::Unavailable("the notes of operational events change all the time".into()))
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
            change(self, |book| {
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
