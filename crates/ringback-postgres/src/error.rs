//! Whose fault a failed statement is: the database's for now, the data's for good, or the schema's.

use ringback::store;

/// `read_only_sql_transaction`: a standby, or `default_transaction_read_only`.
const READ_ONLY: &str = "25006";

/// `disk_full`.
const DISK_FULL: &str = "53100";

/// `lock_not_available`: a row or table was locked for longer than [`store::PATIENCE_WITH_LOCKS`].
const LOCKED: &str = "55P03";

/// Sorts what the driver says into what the engine acts on.
pub(crate) fn from_sqlx(error: sqlx::Error) -> store::Error {
    match &error {
        sqlx::Error::Database(refusal) => {
            let code = refusal.code().unwrap_or_default().into_owned();
            match code.get(..2).unwrap_or_default() {
                _ if code == READ_ONLY => store::Error::ReadOnly(Box::new(error)),
                _ if code == LOCKED => store::Error::Locked(Box::new(error)),
                _ if code == DISK_FULL => store::Error::Full(Box::new(error)),
                // Connection, a transaction in the wrong state, authorization, no such database,
                // transaction rollback, resources, object in use, operator intervention, system error, and internal
                // errors such as a partition that was dropped while the statement was being planned.
                "08" | "25" | "28" | "3D" | "40" | "53" | "55" | "57" | "58" | "XX" => {
                    store::Error::Unavailable(Box::new(error))
                }
                // Something is missing or may not be touched: not the schema that this program knows.
                "3F" | "42" => store::Error::Schema(format!("the schema does not fit this program: {refusal}")),
                _ => store::Error::Refused(Box::new(error)),
            }
        }
        sqlx::Error::Encode(_) => store::Error::Refused(Box::new(error)),
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. } => store::Error::corrupt(error),
        _ => store::Error::Unavailable(Box::new(error)),
    }
}
