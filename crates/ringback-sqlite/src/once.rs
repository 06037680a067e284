//! Requests that are carried out once: decided in the transaction that creates the object.
//!
//! A transaction that refuses a request is committed, too, but has no changes: the key is stored only if the object is
//! created.

use ringback::{
    store::{DoneBefore, ONCE_FOR, Once},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection};

use crate::read::{now, uuid};

/// The earlier request under the same key, if there is one.
pub(crate) async fn find(tx: &mut SqliteConnection, once: &Once) -> sqlx::Result<Option<DoneBefore>> {
    let name = &once.name;
    let row = sqlx::query(sql!("once/find_request_key"))
        .bind(&*name.binding)
        .bind(&*name.tenant)
        .bind(&*name.route)
        .bind(&*name.key)
        .bind((Timestamp::now() - ONCE_FOR).micros())
        .fetch_optional(tx)
        .await?;
    row.map(|row| Ok(DoneBefore { content: row.try_get("content")?, object: uuid(&row, "object")? })).transpose()
}

/// Stores the request's key for the object that is created.
pub(crate) async fn keep(tx: &mut SqliteConnection, once: &Once) -> sqlx::Result<()> {
    let name = &once.name;
    sqlx::query(sql!("once/take_request_key"))
        .bind(&*name.binding)
        .bind(&*name.tenant)
        .bind(&*name.route)
        .bind(&*name.key)
        .bind(once.object.as_bytes().as_slice())
        .bind(&*once.content)
        .bind(now())
        .execute(tx)
        .await?;
    Ok(())
}
