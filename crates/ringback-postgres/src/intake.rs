//! Accepting events that come through the engine: stored and routed in one transaction, without the outbox.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use ringback::{
    audit::Record,
    delivery::Due,
    id::EventId,
    store::{Acceptance, Accepted, Error, EventToAccept, Group, Intake, Result},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Postgres, audit,
    error::from_sqlx,
    routed::RoutedRows,
    rows,
    sql::{prepared, query},
};

#[async_trait::async_trait]
impl Intake for Postgres {
    async fn config_version(&self) -> Result<i64> {
        let row = query(&self.sql().config_version).fetch_one(&mut *self.desk().await?).await.map_err(from_sqlx)?;
        rows::get(&row, 0)
    }

    async fn accept(&self, groups: &[Group], window: Duration) -> Result<Vec<Acceptance>> {
        let mut transaction = self.begin_work().await?;
        let mut answer = decide_keys(self, &mut transaction, groups, window).await?;
        let fresh: Vec<_> = stored(groups, &answer).collect();
        let due = store_events(self, &mut transaction, &fresh).await?;
        for record in records(groups, &answer) {
            audit::write(self, &mut transaction, record).await?;
        }
        transaction.commit().await.map_err(from_sqlx)?;
        hand_out(groups, &mut answer, due);
        Ok(answer)
    }
}

/// The events that are to be stored: new ones of groups without a conflict.
fn stored<'a>(groups: &'a [Group], answer: &'a [Acceptance]) -> impl Iterator<Item = &'a EventToAccept> {
    groups
        .iter()
        .zip(answer)
        .filter(|(_, entries)| !is_refused(entries))
        .flat_map(|(group, entries)| group.events.iter().zip(entries))
        .filter(|(_, entry)| matches!(entry, Accepted::New(_)))
        .map(|(event, _)| event)
}

/// What was asked for by groups of which anything is stored.
fn records<'a>(groups: &'a [Group], answer: &'a [Acceptance]) -> impl Iterator<Item = &'a Record> {
    let is_stored =
        |entries: &Acceptance| !is_refused(entries) && entries.iter().any(|entry| matches!(entry, Accepted::New(_)));
    groups
        .iter()
        .zip(answer)
        .filter(move |(_, entries)| is_stored(entries))
        .filter_map(|(group, _)| group.record.as_ref())
}

fn is_refused(entries: &[Accepted]) -> bool {
    entries.iter().any(|entry| matches!(entry, Accepted::Conflict(_)))
}

/// What becomes of each event, its deliveries left empty. Takes the idempotency keys of those that are stored.
async fn decide_keys(
    store: &Postgres,
    connection: &mut PgConnection,
    groups: &[Group],
    window: Duration,
) -> Result<Vec<Acceptance>> {
    let mut answer: Vec<Acceptance> =
        groups.iter().map(|group| vec![Accepted::New(Vec::new()); group.events.len()]).collect();
    let mut keyed = BTreeMap::new();
    for (group, events) in groups.iter().enumerate() {
        for (index, event) in events.events.iter().enumerate() {
            if let Some(key) = &event.idempotency_key {
                keyed.insert((&*event.tenant, &*event.event_type, &**key), (group, index, event));
            }
        }
    }
    if keyed.is_empty() {
        return Ok(answer);
    }
    let wanted: Vec<_> =
        keyed.iter().map(|(&name, &(_, _, event))| (name, event.id, Some(&event.content[..]))).collect();
    let held = take_keys(store, connection, &wanted, window).await?;
    for &(group, index, event) in keyed.values() {
        if let Some(&(holder, same)) = held.get(&event.id) {
            answer[group][index] = if same { Accepted::Duplicate(holder) } else { Accepted::Conflict(holder) };
        }
    }
    let refused: Vec<_> = keyed
        .iter()
        .filter(|&(_, &(group, index, _))| {
            is_refused(&answer[group]) && matches!(answer[group][index], Accepted::New(_))
        })
        .map(|(&name, &(_, _, event))| (name, event.id))
        .collect();
    give_back_keys(store, connection, &refused).await?;
    Ok(answer)
}

/// (tenant, type, idempotency key).
pub(crate) type KeyName<'a> = (&'a str, &'a str, &'a str);

/// Takes keys, sorted by name, for events. Returns for those that another event holds within `window`: which one,
/// and whether its content is the same.
pub(crate) async fn take_keys(
    store: &Postgres,
    connection: &mut PgConnection,
    wanted: &[(KeyName<'_>, EventId, Option<&[u8]>)],
    window: Duration,
) -> Result<HashMap<EventId, (EventId, bool)>> {
    let (tenants, types, keys) = columns(wanted.iter().map(|(name, ..)| *name));
    let ids: Vec<Uuid> = wanted.iter().map(|(_, id, _)| id.uuid()).collect();
    let contents: Vec<Option<&[u8]>> = wanted.iter().map(|(.., content)| *content).collect();
    let taken = prepared(&store.sql().reserve_keys)
        .bind(&tenants)
        .bind(&types)
        .bind(&keys)
        .bind(&ids)
        .bind(&contents)
        .bind(rows::micros(window))
        .fetch_all(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    let taken = taken.iter().map(|row| rows::get(row, "event_id")).collect::<Result<HashSet<Uuid>>>()?;
    let held: Vec<_> = wanted.iter().filter(|(_, id, _)| !taken.contains(&id.uuid())).collect();
    if held.is_empty() {
        return Ok(HashMap::new());
    }
    let (tenants, types, keys) = columns(held.iter().map(|(name, ..)| *name));
    let contents: Vec<Option<&[u8]>> = held.iter().map(|(.., content)| *content).collect();
    let rows = prepared(&store.sql().find_keys)
        .bind(&tenants)
        .bind(&types)
        .bind(&keys)
        .bind(&contents)
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter()
        .map(|row| {
            let position: i64 = rows::get(row, "position")?;
            let entry = usize::try_from(position).ok().and_then(|position| held.get(position));
            let (_, id, _) = entry.ok_or_else(|| Error::corrupt("position of an idempotency key"))?;
            Ok((*id, (EventId::from_uuid(rows::get(row, "event_id")?), rows::get(row, "same")?)))
        })
        .collect()
}

async fn give_back_keys(
    store: &Postgres,
    connection: &mut PgConnection,
    refused: &[(KeyName<'_>, EventId)],
) -> Result<()> {
    if refused.is_empty() {
        return Ok(());
    }
    let (tenants, types, keys) = columns(refused.iter().map(|(name, _)| *name));
    let ids: Vec<Uuid> = refused.iter().map(|(_, id)| id.uuid()).collect();
    prepared(&store.sql().release_keys)
        .bind(&tenants)
        .bind(&types)
        .bind(&keys)
        .bind(&ids)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

fn columns<'a>(names: impl Iterator<Item = KeyName<'a>>) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (mut tenants, mut types, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (tenant, event_type, key) in names {
        tenants.push(tenant);
        types.push(event_type);
        keys.push(key);
    }
    (tenants, types, keys)
}

async fn store_events(store: &Postgres, connection: &mut PgConnection, events: &[&EventToAccept]) -> Result<Vec<Due>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let seqs = insert_events(store, connection, events).await?;
    let mut routed = RoutedRows::default();
    for event in events {
        let seq = seqs.get(&event.id).copied().ok_or_else(|| Error::corrupt("an event without its seq"))?;
        routed.push(event.id, seq, &event.routing, false);
    }
    routed.insert(store, connection).await
}

async fn insert_events(
    store: &Postgres,
    connection: &mut PgConnection,
    events: &[&EventToAccept],
) -> Result<HashMap<EventId, i64>> {
    let endpoint_keys = events
        .iter()
        .map(|event| event.endpoint_keys.as_ref().map(serde_json::to_string).transpose())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| Error::Refused(Box::new(error)))?;
    let rows = prepared(&store.sql().insert_events)
        .bind(events.iter().map(|event| event.id.uuid()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| &*event.tenant).collect::<Vec<_>>())
        .bind(events.iter().map(|event| &*event.event_type).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.key.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.ordering_key.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.idempotency_key.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.occurred_at.micros()).collect::<Vec<_>>())
        .bind(endpoint_keys)
        .bind(events.iter().map(|event| event.destination.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.test).collect::<Vec<_>>())
        .bind(events.iter().map(|event| &*event.payload).collect::<Vec<&[u8]>>())
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(|row| Ok((EventId::from_uuid(rows::get(row, "id")?), rows::get(row, "seq")?))).collect()
}

/// Puts what is due into the answers of the events that it belongs to.
fn hand_out(groups: &[Group], answer: &mut [Acceptance], due: Vec<Due>) {
    let mut due_of: HashMap<EventId, Vec<Due>> = HashMap::new();
    for due in due {
        due_of.entry(due.id.event()).or_default().push(due);
    }
    for (group, entries) in groups.iter().zip(answer) {
        for (event, entry) in group.events.iter().zip(entries) {
            if let (Accepted::New(slot), Some(due)) = (entry, due_of.remove(&event.id)) {
                *slot = due;
            }
        }
    }
}
