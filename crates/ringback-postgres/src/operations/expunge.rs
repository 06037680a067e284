//! Removing an event's payload for good, and with it everything that would still send it.

use ringback::{
    audit::Record,
    id::EventId,
    store::{Change, Result},
};

use crate::{Postgres, audit, configuration::announce, error::from_sqlx, sql::query};

pub(super) async fn expunge(store: &Postgres, id: EventId, record: &Record) -> Result<bool> {
    let mut transaction = store.begin().await?;
    announce(store, &mut transaction, &[Change::EventExpunged(id)]).await?;
    let done = query(&store.sql().expunge_event).bind(id.uuid()).execute(&mut *transaction).await.map_err(from_sqlx)?;
    if done.rows_affected() == 0 {
        transaction.rollback().await.map_err(from_sqlx)?;
        return Ok(super::events::find(store, id).await?.is_some());
    }
    query(&store.sql().cancel_event).bind(id.uuid()).execute(&mut *transaction).await.map_err(from_sqlx)?;
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(true)
}
