//! Which event holds an idempotency key: reading and storing, for events from the engine and from the outbox.

use std::borrow::Cow;

use ringback::{
    id::EventId,
    store::rules::idempotency::{Holder, Holders, Name},
};
use serde::Serialize;
use sqlx::{Row as _, SqliteConnection};

use crate::{
    batch::{Hex, json},
    read::uuid,
};

/// A key as the statements read it.
#[derive(Serialize)]
struct Key<'a> {
    tenant: &'a str,
    r#type: &'a str,
    key: &'a str,
}

impl<'a> Key<'a> {
    const fn of(name: &Name<'a>) -> Self {
        Self { tenant: name.tenant, r#type: name.event_type, key: name.key }
    }
}

/// The events that hold these keys.
pub(crate) async fn find<'a>(
    tx: &mut SqliteConnection,
    names: impl Iterator<Item = Name<'a>>,
) -> sqlx::Result<Holders<'a>> {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return Ok(Holders::new());
    }
    let keys: Vec<_> = names.iter().map(Key::of).collect();
    let rows = sqlx::query(sql!("intake/find_keys")).bind(json(&keys)?).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let content = row.try_get::<Option<Vec<u8>>, _>("content")?.map(Cow::Owned);
            let holder = Holder { event: EventId::from_uuid(uuid(row, "event_id")?), content };
            Ok((names[usize::from(row.try_get::<u16, _>("position")?)], holder))
        })
        .collect()
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    key: Key<'a>,
    event: Hex,
    created_at: i64,
    content: Option<String>,
}

impl<'a> Row<'a> {
    fn of(name: &Name<'a>, holder: &Holder<'_>) -> Self {
        Self {
            key: Key::of(name),
            event: Hex(holder.event.uuid()),
            created_at: holder.event.accepted_at().micros(),
            content: holder.content.as_deref().map(hex::encode),
        }
    }
}

/// Makes these events the holders of these keys, in place of earlier ones.
pub(crate) async fn keep(tx: &mut SqliteConnection, taken: &Holders<'_>) -> sqlx::Result<()> {
    if !taken.is_empty() {
        let rows: Vec<_> = taken.iter().map(|(name, holder)| Row::of(name, holder)).collect();
        sqlx::query(sql!("intake/reserve_keys")).bind(json(&rows)?).execute(tx).await?;
    }
    Ok(())
}
