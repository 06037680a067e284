//! Sorts failed statements by fault: the database's, which may pass; the data's, which does not; or the schema's.

use ringback::store;

/// `read_only_sql_transaction`: a standby, or `default_transaction_read_only`.
const READ_ONLY: &str = "25006";

/// `disk_full`.
const DISK_FULL: &str = "53100";

/// `lock_not_available`: a row or table was locked for longer than [`store::PATIENCE_WITH_LOCKS`].
const LOCKED: &str = "55P03";

/// `data_corrupted` and `index_corrupted`: an impossible page or index entry.
const CORRUPTED: [&str; 2] = ["XX001", "XX002"];

/// The engine's error for an error of the driver.
pub(crate) fn from_sqlx(error: sqlx::Error) -> store::Error {
    match &error {
        sqlx::Error::Database(refusal) => {
            let code = refusal.code().unwrap_or_default().into_owned();
            match code.get(..2).unwrap_or_default() {
                _ if code == READ_ONLY => store::Error::ReadOnly(Box::new(error)),
                _ if code == LOCKED => store::Error::Locked(Box::new(error)),
                _ if code == DISK_FULL => store::Error::Full(Box::new(error)),
                _ if CORRUPTED.contains(&&*code) => store::Error::Damaged(Box::new(error)),
                // System error: the disk fails, or a file of the database is missing.
                "58" => store::Error::Damaged(Box::new(error)),
                // Connection, a transaction in the wrong state, authorization, no such database, transaction rollback,
                // resources, object in use, operator intervention, and internal errors, such as a partition that was dropped
                // while the statement was being planned.
                "08" | "25" | "28" | "3D" | "40" | "53" | "55" | "57" | "XX" => {
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

#[cfg(test)]
mod tests {
    use ringback::store::Error;
    use sqlx::{AssertSqlSafe, Executor as _};

    use super::*;
    use crate::fresh;

    #[tokio::test]
    async fn every_refusal_of_the_database_is_somebodys_fault() {
        let mut connection = fresh::connection().await;
        let mut fault = async |code: &str| {
            let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$");
            match from_sqlx(connection.execute(AssertSqlSafe(raise)).await.expect_err("it raises")) {
                Error::Unavailable(_) => "unavailable",
                Error::Locked(_) => "locked",
                Error::ReadOnly(_) => "read-only",
                Error::Full(_) => "full",
                Error::Damaged(_) => "damaged",
                Error::Schema(_) => "schema",
                Error::Refused(_) => "refused",
                other => panic!("{code}: {other}"),
            }
        };
        for (expected, codes) in [
            ("unavailable", &["08006", "25P02", "25P03", "28000", "3D000", "40001", "40P01"][..]),
            ("unavailable", &["53000", "53200", "53300", "55000", "55006", "57014", "57P01", "57P03", "XX000"]),
            ("locked", &["55P03"]),
            ("read-only", &["25006"]),
            ("full", &["53100"]),
            ("damaged", &["XX001", "XX002", "58000", "58030", "58P01"]),
            ("schema", &["3F000", "42P01", "42501", "42883"]),
            ("refused", &["22023", "22021", "23505", "23514", "21000"]),
        ] {
            for code in codes {
                assert_eq!(fault(code).await, expected, "{code}");
            }
        }
    }
}
