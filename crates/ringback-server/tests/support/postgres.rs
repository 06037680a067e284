//! A schema of a test's own on the server that `RINGBACK_TEST_POSTGRES_URL` names.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A schema that is gone when dropped.
pub(crate) struct Schema {
    url: String,
    name: String,
}

impl Schema {
    /// A new one. Without a server the test fails: nothing is skipped in silence.
    pub(crate) fn of_its_own() -> Self {
        let url = std::env::var("RINGBACK_TEST_POSTGRES_URL").unwrap_or_else(|_| {
            panic!(
                "RINGBACK_TEST_POSTGRES_URL must name a PostgreSQL database to test against; tests/run brings one up"
            )
        });
        Self { url, name: format!("ringback_walk_{}", std::process::id()) }
    }

    /// What commands need to know.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("RINGBACK_DATABASE_URL", self.url.clone()),
            ("RINGBACK_SCHEMA", self.name.clone()),
            ("RINGBACK_MASTER_KEY", "7f".repeat(32)),
            ("RINGBACK_ADMIN_TOKEN", "the-token-of-the-walk".to_owned()),
        ]
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dropped = runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await?;
            connection.execute(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name))).await
        });
        if let Err(error) = dropped {
            eprintln!("a test schema was left behind: {error}");
        }
    }
}
