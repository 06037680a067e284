//! Which event holds an idempotency key: locking, reading and storing, for events from the engine and from the outbox.

use std::{borrow::Cow, collections::HashSet};

use ringback::{
    id::EventId,
    store::{
        Result,
        rules::idempotency::{Holder, Holders, Name},
    },
};
use sqlx::{PgConnection, SqlStr, postgres::PgArguments, query::Query};
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, rows, sql::prepared};

/// Keys that are locked until the transaction ends.
pub(crate) struct Locked<'a> {
    /// The events that held them before.
    pub(crate) holders: Holders<'a>,
    /// The keys that no event held; locking gave them to the events that want them.
    taken: Holders<'a>,
}

/// Locks the keys that events want to hold.
pub(crate) async fn lock<'a>(
    store: &Postgres,
    connection: &mut PgConnection,
    wanted: Holders<'a>,
) -> Result<Locked<'a>> {
    if wanted.is_empty() {
        return Ok(Locked { holders: Holders::new(), taken: wanted });
    }
    let columns = Columns::of(&wanted);
    let rows = columns.bind_all(&store.sql().reserve_keys).fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let taken = rows.iter().map(|row| rows::get(row, "event_id")).collect::<Result<HashSet<Uuid>>>()?;
    let (taken, held) = wanted.into_iter().partition(|(_, holder)| taken.contains(&holder.event.uuid()));
    Ok(Locked { holders: find(store, connection, &held).await?, taken })
}

/// The events that hold these keys.
async fn find<'a>(store: &Postgres, connection: &mut PgConnection, held: &Holders<'a>) -> Result<Holders<'a>> {
    if held.is_empty() {
        return Ok(Holders::new());
    }
    let columns = Columns::of(held);
    let rows = columns.bind_names(&store.sql().find_keys).fetch_all(connection).await.map_err(from_sqlx)?;
    let names: Vec<Name<'a>> = held.keys().copied().collect();
    rows.iter()
        .map(|row| {
            let content = rows::get::<Option<Vec<u8>>, _>(row, "content")?.map(Cow::Owned);
            let holder = Holder { event: EventId::from_uuid(rows::get(row, "event_id")?), content };
            Ok((names[rows::position(row, names.len())?], holder))
        })
        .collect()
}

/// Stores the holders in `taken`. The other locked keys get the state back that they had before.
pub(crate) async fn keep(
    store: &Postgres,
    connection: &mut PgConnection,
    locked: &Locked<'_>,
    taken: &Holders<'_>,
) -> Result<()> {
    let is_kept = |name: &Name<'_>, holder: &Holder<'_>| taken.get(name).is_some_and(|it| it.event == holder.event);
    let mut given_back = Holders::new();
    let mut taken_over = taken.clone();
    for (name, holder) in &locked.taken {
        if is_kept(name, holder) {
            taken_over.remove(name);
        } else if !taken.contains_key(name) {
            given_back.insert(*name, holder.clone());
        }
    }
    if !given_back.is_empty() {
        let columns = Columns::of(&given_back);
        columns.bind_names(&store.sql().release_keys).execute(&mut *connection).await.map_err(from_sqlx)?;
    }
    if !taken_over.is_empty() {
        let columns = Columns::of(&taken_over);
        columns.bind_all(&store.sql().take_over_keys).execute(&mut *connection).await.map_err(from_sqlx)?;
    }
    Ok(())
}

/// One array for each column, in the order of the names.
#[derive(Default)]
struct Columns<'a> {
    tenants: Vec<&'a str>,
    types: Vec<&'a str>,
    keys: Vec<&'a str>,
    events: Vec<Uuid>,
    contents: Vec<Option<&'a [u8]>>,
}

impl<'a> Columns<'a> {
    fn of(holders: &'a Holders<'_>) -> Self {
        let mut columns = Self::default();
        for (name, holder) in holders {
            columns.tenants.push(name.tenant);
            columns.types.push(name.event_type);
            columns.keys.push(name.key);
            columns.events.push(holder.event.uuid());
            columns.contents.push(holder.content.as_deref());
        }
        columns
    }

    /// A statement whose first arguments are the names.
    fn bind_names<'q>(&'q self, statement: &SqlStr) -> Query<'q, sqlx::Postgres, PgArguments> {
        prepared(statement).bind(&self.tenants).bind(&self.types).bind(&self.keys)
    }

    /// The same with the events that hold them, and their content.
    fn bind_all<'q>(&'q self, statement: &SqlStr) -> Query<'q, sqlx::Postgres, PgArguments> {
        self.bind_names(statement).bind(&self.events).bind(&self.contents)
    }
}
