//! Which event an idempotency key stands for, for events of both doors.

use std::{collections::HashMap, time::Duration};

use ringback::id::EventId;
use serde::Serialize;
use sqlx::{Row as _, SqliteConnection};

use crate::{
    batch::{Hex, json},
    read::uuid,
};

/// What makes two events the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Name {
    tenant: String,
    r#type: String,
    key: String,
}

impl Name {
    /// `None` for an event without an idempotency key.
    pub(crate) fn of(tenant: &str, event_type: &str, key: Option<&str>) -> Option<Self> {
        Some(Self { tenant: tenant.to_owned(), r#type: event_type.to_owned(), key: key?.to_owned() })
    }
}

/// The event that brought a key first.
#[derive(Debug, Clone)]
pub(crate) struct Brought {
    pub(crate) event: EventId,
    /// `None` where it came through the outbox: those are folded whatever their content.
    pub(crate) content: Option<Vec<u8>>,
}

impl Brought {
    /// Whether `event` came within `window` of the first; later it takes the key over.
    pub(crate) fn counts_for(&self, event: EventId, window: Duration) -> bool {
        event.accepted_at() < self.event.accepted_at() + window
    }
}

/// What these keys stand for; unknown ones are left out.
pub(crate) async fn find(
    tx: &mut SqliteConnection,
    names: impl Iterator<Item = Name>,
) -> sqlx::Result<HashMap<Name, Brought>> {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(sql!("find_keys")).bind(json(&names)?).fetch_all(tx).await?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        let name = Name { tenant: row.try_get("tenant")?, r#type: row.try_get("type")?, key: row.try_get("key")? };
        let brought = Brought { event: EventId::from_uuid(uuid(row, "event_id")?), content: row.try_get("content")? };
        Ok((name, brought))
    };
    rows.iter().map(read).collect()
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    name: Name,
    event: Hex,
    created_at: i64,
    content: Option<String>,
}

/// Makes these keys stand for these events, whatever they stood for before.
pub(crate) async fn keep(
    tx: &mut SqliteConnection,
    keys: impl Iterator<Item = (Name, EventId, Option<[u8; 32]>)>,
) -> sqlx::Result<()> {
    let row = |(name, event, content): (Name, EventId, Option<[u8; 32]>)| Row {
        name,
        event: Hex(event.uuid()),
        created_at: event.accepted_at().micros(),
        content: content.map(hex::encode),
    };
    let rows: Vec<_> = keys.map(row).collect();
    if !rows.is_empty() {
        sqlx::query(sql!("reserve_keys")).bind(json(&rows)?).execute(tx).await?;
    }
    Ok(())
}
