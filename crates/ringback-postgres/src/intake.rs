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

use crate::{Postgres, audit, error::from_sqlx, once, routed::RoutedRows, rows, sql::prepared};

#[async_trait::async_trait]
impl Intake for Postgres {
    async fn config_version(&self) -> Result<i64> {
        rows::get(&self.read_at_once(&self.sql().config_version).await?, 0)
    }

    async fn accept(&self, groups: &[Group], window: Duration) -> Result<Vec<Acceptance>> {
        if groups.iter().all(is_plain) {
            let mut answer = all_new(groups);
            let events: Vec<_> = groups.iter().flat_map(|group| &group.events).collect();
            let due = store_events(self, &mut *self.live_work().await?, &events).await?;
            hand_out(groups, &mut answer, due);
            return Ok(answer);
        }
        let mut transaction = self.begin_work().await?;
        let mut answer = decide_keys(self, &mut transaction, groups, window).await?;
        take_request_keys(self, &mut transaction, groups, &mut answer).await?;
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

/// Whether storing the events is all there is to do, which takes one statement and no transaction around it.
fn is_plain(group: &Group) -> bool {
    let has_keys = |event: &EventToAccept| event.idempotency_key.is_some() || event.ordering_key.is_some();
    group.record.is_none() && group.once.is_none() && !group.events.iter().any(has_keys)
}

fn all_new(groups: &[Group]) -> Vec<Acceptance> {
    groups.iter().map(|group| vec![Accepted::New(Vec::new()); group.events.len()]).collect()
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
    entries.iter().any(Accepted::refuses_group)
}

/// What becomes of each event, its deliveries left empty. Takes the idempotency keys of those that are stored.
async fn decide_keys(
    store: &Postgres,
    connection: &mut PgConnection,
    groups: &[Group],
    window: Duration,
) -> Result<Vec<Acceptance>> {
    let mut answer = all_new(groups);
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

/// Takes the keys of requests that are carried out once, in one global order; those carried out before say so.
async fn take_request_keys(
    store: &Postgres,
    connection: &mut PgConnection,
    groups: &[Group],
    answer: &mut [Acceptance],
) -> Result<()> {
    let mut wanted: Vec<_> =
        groups.iter().zip(answer).filter_map(|(group, entries)| Some((group.once.as_ref()?, entries))).collect();
    wanted.sort_by_key(|(once, _)| &once.name);
    for (once, entries) in wanted {
        if let Some(before) = once::take(store, connection, once).await? {
            entries.fill(Accepted::Before(before));
        }
    }
    Ok(())
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
            let (_, id, _) = held[rows::position(row, held.len())?];
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
    let mut routed = RoutedRows::default();
    for (place, event) in (1..).zip(events) {
        routed.push(event.id, place, &event.routing, false);
    }
    let endpoint_keys = events
        .iter()
        .map(|event| event.endpoint_keys.as_ref().map(serde_json::to_string).transpose())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| Error::Refused(Box::new(error)))?;
    let row = routed
        .bind(prepared(&store.sql().accept_events))
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
        .bind(events.iter().map(|event| event.id.uuid()).max())
        .fetch_one(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    routed.number(&rows::get::<Vec<i64>, _>(&row, "by_place")?)?;
    routed.due(store, connection, rows::time(&row, "now")?).await
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
