//! Requests that are carried out once: taking the key is the first statement of the transaction that creates the object.

use ringback::store::{DoneBefore, Error, ONCE_FOR, Once, Result};
use sqlx::PgConnection;

use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Takes the request's key for the object that the transaction is about to create. If the key is taken already, returns the
/// earlier request.
pub(crate) async fn take(store: &Postgres, connection: &mut PgConnection, once: &Once) -> Result<Option<DoneBefore>> {
    let name = &once.name;
    let taken = query(&store.sql().take_request_key)
        .bind(&*name.binding)
        .bind(&*name.tenant)
        .bind(&*name.route)
        .bind(&*name.key)
        .bind(once.object)
        .bind(&*once.content)
        .bind(rows::micros(ONCE_FOR))
        .fetch_optional(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    if taken.is_some() {
        return Ok(None);
    }
    let row = query(&store.sql().find_request_key)
        .bind(&*name.binding)
        .bind(&*name.tenant)
        .bind(&*name.route)
        .bind(&*name.key)
        .fetch_optional(connection)
        .await
        .map_err(from_sqlx)?
        .ok_or_else(|| Error::corrupt("the key of a request is gone while it is held"))?;
    Ok(Some(DoneBefore { content: rows::get(&row, "content")?, object: rows::get(&row, "object")? }))
}
