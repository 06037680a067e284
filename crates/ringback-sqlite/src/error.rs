//! Which of the store's errors a refusal by SQLite is.
//!
//! Inside this crate everything fails with [`sqlx::Error`]; [`store_error`] is applied once, at the border.

use ringback::store::Error;

/// Primary result codes (the low byte of an extended one) that another attempt may not meet again:
/// BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, SCHEMA.
const PASSING: [i32; 10] = [5, 6, 7, 8, 9, 10, 13, 14, 15, 17];

/// Primary result codes of a file that is damaged or no database: CORRUPT, NOTADB.
const DAMAGED: [i32; 2] = [11, 26];

/// What a failure means for the caller of a store.
pub(crate) fn store_error(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(_) => match primary_code(&error) {
            Some(code) if PASSING.contains(&code) => Error::Unavailable(error.into()),
            Some(code) if DAMAGED.contains(&code) => Error::corrupt(error),
            _ => Error::Refused(error.into()),
        },
        sqlx::Error::Encode(_) => Error::Refused(error.into()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => Error::corrupt(error),
        _ => Error::Unavailable(error.into()),
    }
}

/// Whether another process holds the file, so that the connection itself is in order.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(5 | 6))
}

/// A stored value that no version of this program writes.
pub(crate) fn corrupt(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
