//! Tells: an event through the outbox, a line in the log, and a value for subscribers.

use super::{book::Note, kept};
use crate::{
    Engine,
    directory::Directory,
    emit,
    event::NewEvent,
    store,
    time::Timestamp,
    told::{OperationalEvent, Place},
};

/// Most events that are told in one round.
const TOLD_MAX: usize = 20;

/// Tells what is due, and notes that it was told.
pub(super) async fn tell(engine: &Engine, directory: &Directory, due: Vec<Note>, now: Timestamp) -> store::Result<()> {
    for note in due.into_iter().take(TOLD_MAX) {
        let event = event_of(&note, directory, now);
        let mut listeners = directory.of_tenant(&engine.settings().operations.tenant);
        // An event that nobody wants would only be counted as unmatched.
        if listeners.any(|endpoint| endpoint.selects(note.told.name())) {
            emit(engine, &note, &event).await?;
        }
        log(&event);
        engine.subscribers().hand_out(event);
        kept::change(engine, |book| book.told(&note, now)).await?;
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
