//! Requests that are carried out once: decided in the transaction that makes something.
//!
//! A transaction that refuses is committed all the same, with nothing in it: the key is kept only where something is
//! made.

use ringback::{
    store::{DoneBefore, ONCE_FOR, Once},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection};

use crate::read::{now, uuid};

/// What the request's key stands for already.
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

/// Makes the request's key stand for what is made.
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
