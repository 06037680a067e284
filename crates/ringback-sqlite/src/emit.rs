//! Emitting inside the caller's own transaction.
//!
//! It only inserts and reads nothing of endpoints: no state of Ringback can make the caller's transaction fail.

use ringback::{
    endpoint::Destination,
    event::{NewEvent, is_key},
    id::EventId,
    invalid::Invalid,
    store::{Error, Result},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::SqliteConnection;

use crate::error::store_error;

/// Largest payload in bytes: the default of `max_payload_bytes`, which callers of this function cannot raise.
const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// Longest URL of a destination, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// Emits an event: it is owed if and only if the transaction that `connection` is in gets committed.
///
/// It is one statement, so it is atomic also without a transaction. A host that shares a process with the engine should
/// write through [`crate::Sqlite::write`]; elsewhere begin with `BEGIN IMMEDIATE`, as with all SQLite writers.
/// The engine finds the event when it polls next; call its `wake()` after the commit to save that wait.
///
/// # Errors
/// [`Error::Refused`] with an [`Invalid`] that names each field that is wrong: among them a `destination` with
/// anything but `url` and `endpoint_key`, since a secret would be stored as it stands.
/// [`Error::Unavailable`] if another process is writing.
pub async fn emit(connection: &mut SqliteConnection, event: &NewEvent) -> Result<EventId> {
    check(event).map_err(|invalid| Error::Refused(invalid.into()))?;
    insert(connection, event).await.map_err(store_error)
}

pub(crate) fn check(event: &NewEvent) -> std::result::Result<(), Invalid> {
    let mut invalid = Invalid::default();
    if let Err(found) = event.check(PAYLOAD_BYTES_MAX) {
        invalid.absorb("", found);
    }
    if let Err(found) = event.check_at(Timestamp::now()) {
        invalid.absorb("", found);
    }
    if let Err(found) = event.check_options()
        && invalid.findings.is_empty()
    {
        invalid.absorb("", found);
    }
    if let Some(destination) = &event.destination {
        invalid.absorb("/destination", check_destination(destination));
    }
    invalid.or(())
}

fn check_destination(destination: &Destination) -> Invalid {
    let mut invalid = Invalid::default();
    let url = &destination.url;
    if url.is_empty() || url.len() > URL_BYTES_MAX || url.chars().any(char::is_control) {
        invalid.add("/url", "malformed", "must be 1 to 2048 bytes without control characters");
    }
    if destination.endpoint_key.as_deref().is_some_and(|key| !is_key(key)) {
        invalid.add("/endpoint_key", "malformed", "must be 1 to 256 characters without control characters");
    }
    let others = [
        ("/preset", destination.preset.is_some()),
        ("/scheme", destination.scheme.is_some()),
        ("/secret", destination.secret.is_some()),
        ("/headers", destination.headers.is_some()),
        ("/timeout_ms", destination.timeout_ms.is_some()),
        ("/retry", destination.retry.is_some()),
    ];
    for (pointer, _) in others.iter().filter(|(_, given)| *given) {
        invalid.add(
            *pointer,
            "not_allowed",
            "cannot be given here: only url and endpoint_key, which names an endpoint to inherit from",
        );
    }
    invalid
}

/// The stored part of a destination: the fields of [`ringback::endpoint::KeptDestination`] that are no secrets.
#[derive(Serialize)]
struct PlainDestination<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_key: Option<&'a str>,
}

pub(crate) async fn insert(connection: &mut SqliteConnection, event: &NewEvent) -> sqlx::Result<EventId> {
    let now = Timestamp::now();
    let id = EventId::new(now);
    let plain = event
        .destination
        .as_ref()
        .map(|to| PlainDestination { url: &to.url, endpoint_key: to.endpoint_key.as_deref() });
    let encode = |error: serde_json::Error| sqlx::Error::Encode(error.into());
    let destination = plain.map(|plain| serde_json::to_string(&plain)).transpose().map_err(encode)?;
    let endpoint_keys = event.endpoint_keys.as_ref().map(serde_json::to_string).transpose().map_err(encode)?;
    sqlx::query(sql!("outbox/emit"))
        .bind(id.uuid().as_bytes().as_slice())
        .bind(event.tenant.as_str())
        .bind(event.event_type.as_str())
        .bind(event.key.as_deref())
        .bind(event.ordering_key.as_deref())
        .bind(event.idempotency_key.as_deref())
        .bind(event.occurred_at.unwrap_or(now).micros())
        .bind(endpoint_keys)
        .bind(destination)
        .bind(event.trace.as_ref().map(|trace| trace.to_text()))
        .bind(event.schedule.deliver_after.map(Timestamp::micros))
        .bind(event.schedule.expires_at.map(Timestamp::micros))
        .bind(event.metadata.to_text())
        .bind(event.payload.to_vec())
        .execute(connection)
        .await?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_emitted_into_the_table() {
        let mut destination = Destination::to("https://example.com/hook");
        destination.secret = Some("whsec_x".to_owned());
        destination.endpoint_key = Some("agent-1".to_owned());
        let found = check(&NewEvent::new("CALL_ENDED", "{}").destination(destination)).unwrap_err();
        let pointers: Vec<_> = found.findings.iter().map(|finding| finding.pointer.as_str()).collect();
        assert_eq!(pointers, ["/destination/secret"]);
        assert!(!found.to_string().contains("whsec_x"));
    }
}
