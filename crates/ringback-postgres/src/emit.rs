//! Emitting inside the caller's own transaction.

use ringback::{event::NewEvent, id::EventId, invalid::Invalid};
use sqlx::{PgConnection, Row as _, SqlStr};

use crate::{
    schema::DEFAULT_SCHEMA,
    sql::{query, render},
};

/// Why an event was not written. After [`Error::Invalid`] the caller's transaction can go on, since no statement was sent;
/// after [`Error::Database`] PostgreSQL has aborted it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The event was refused before the database was asked.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database refused the event (a payload that is too large: SQLSTATE 22023), is away, or has no such schema.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Writes an event into the schema [`DEFAULT_SCHEMA`]: it is owed if and only if the caller's transaction commits.
///
/// It only inserts: it waits for no lock and conflicts with no other transaction. Call the engine's `wake` after the commit,
/// or let the engine find the event by itself within some 25 ms.
///
/// # Errors
/// [`Error::Invalid`] for a malformed field, and for a destination with anything but a URL and an endpoint key: a
/// secret never travels in the clear. [`Error::Database`] for everything else.
pub async fn emit(connection: &mut PgConnection, event: &NewEvent) -> Result<EventId, Error> {
    emit_in(connection, DEFAULT_SCHEMA, event).await
}

/// The same for an installation in another schema.
///
/// # Errors
/// As [`emit`]; [`Error::Invalid`] for a name that is no plain identifier, too.
pub async fn emit_in(connection: &mut PgConnection, schema: &str, event: &NewEvent) -> Result<EventId, Error> {
    crate::schema::check_name(schema).map_err(|error| Invalid::one("", "malformed", error.to_string()))?;
    call(connection, &render(include_str!("../sql/outbox/emit.sql"), schema), event).await
}

pub(crate) async fn call(
    connection: &mut PgConnection,
    statement: &SqlStr,
    event: &NewEvent,
) -> Result<EventId, Error> {
    // The payload's size is not checked here: the SQL function has the one limit for callers in every language.
    event.check(usize::MAX)?;
    event.check_options()?;
    let options = options(event)?;
    let row =
        query(statement).bind(&*event.event_type).bind(&*event.payload).bind(options).fetch_one(connection).await?;
    let id: &str = row.try_get(0)?;
    id.parse().map_err(|error| Error::Database(sqlx::Error::Decode(Box::new(error))))
}

/// The options of the SQL function, as JSON text.
fn options(event: &NewEvent) -> Result<String, Error> {
    let mut options = serde_json::Map::new();
    let mut set = |name: &str, value: serde_json::Value| {
        options.insert(name.to_owned(), value);
    };
    set("tenant", event.tenant.as_str().into());
    let texts =
        [("key", &event.key), ("ordering_key", &event.ordering_key), ("idempotency_key", &event.idempotency_key)];
    for (name, text) in texts {
        if let Some(text) = text {
            set(name, text.as_str().into());
        }
    }
    if let Some(at) = event.occurred_at {
        set("occurred_at", at.to_string().into());
    }
    if let Some(keys) = &event.endpoint_keys {
        set("endpoint_keys", keys.as_slice().into());
    }
    if let Some(trace) = &event.trace {
        set("trace", serde_json::json!(trace));
    }
    let times = [("deliver_after", event.schedule.deliver_after), ("expires_at", event.schedule.expires_at)];
    for (name, at) in times.into_iter().filter_map(|(name, at)| Some((name, at?))) {
        set(name, at.to_string().into());
    }
    if !event.metadata.is_empty() {
        set("metadata", serde_json::json!(event.metadata));
    }
    if let Some(destination) = &event.destination {
        let plain = destination.preset.is_none()
            && destination.scheme.is_none()
            && destination.secret.is_none()
            && destination.headers.is_none()
            && destination.timeout_ms.is_none()
            && destination.retry.is_none();
        if !plain {
            let detail = "may hold a URL and an endpoint key here: a secret never travels through the database's \
                          protocol; register an endpoint and name its key";
            return Err(Invalid::one("/destination", "not_allowed", detail).into());
        }
        set("destination", serde_json::json!({ "url": destination.url, "endpoint_key": destination.endpoint_key }));
    }
    Ok(serde_json::Value::Object(options).to_string())
}

#[cfg(test)]
mod tests {
    use ringback::endpoint::Destination;

    use super::*;

    #[test]
    fn a_secret_never_becomes_an_option() {
        let mut destination = Destination::to("https://example.com/hook");
        let event = NewEvent::new("CALL_ENDED", "{}").destination(destination.clone());
        assert!(options(&event).unwrap().contains("https://example.com/hook"));
        destination.secret = Some("s3cret".to_owned());
        let refused = options(&NewEvent::new("CALL_ENDED", "{}").destination(destination)).unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)));
        assert!(!refused.to_string().contains("s3cret"));
    }
}
