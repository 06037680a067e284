//! Migrated databases, as copies of one: to copy it costs PostgreSQL a quarter of what migrating costs.
//!
//! On each server there is one template for each set of migrations. Whoever needs it first makes it, and it stays there for
//! other processes and later runs. Nobody may connect to a finished template, which would keep others from copying it; by that
//! one is known that was left unfinished.

use ringback_postgres::{DEFAULT_SCHEMA, Postgres, schema_text};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// What the names of templates begin with.
const PREFIX: &str = "ringback_template_";

/// The advisory lock of all templates of a server: shared by those who copy one.
const LOCK: i64 = 0x7269_6e67_6261_636b;

/// The templates that no run has used since long before today; their migrations have changed.
const OUTLIVED: &str = "SELECT datname::text FROM pg_database
    WHERE starts_with(datname, $1) AND datname <> $2
      AND (pg_stat_file(format('base/%s/PG_VERSION', oid), true)).modification < now() - interval '1 day'";

/// Makes a database of this name on the server that `url` leads to: migrated, and empty.
///
/// # Panics
/// When the server does not answer, or its user may not do that.
pub(crate) async fn copy(url: &str, name: &str) {
    let mut connection = PgConnection::connect(url).await.expect("the server under test answers");
    let digest: String = sqlx::query_scalar("SELECT md5($1)")
        .bind(schema_text(DEFAULT_SCHEMA))
        .fetch_one(&mut connection)
        .await
        .expect("a digest");
    let template = format!("{PREFIX}{digest}");
    loop {
        take(&mut connection, "SELECT pg_advisory_lock_shared($1)").await;
        if is_finished(&mut connection, &template).await {
            break;
        }
        take(&mut connection, "SELECT pg_advisory_unlock_shared($1)").await;
        take(&mut connection, "SELECT pg_advisory_lock($1)").await;
        if !is_finished(&mut connection, &template).await {
            make(&mut connection, url, &template).await;
        }
        take(&mut connection, "SELECT pg_advisory_unlock($1)").await;
    }
    run(&mut connection, &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
    // The end of the connection is the end of its lock.
    let _ = connection.close().await;
}

async fn make(connection: &mut PgConnection, url: &str, template: &str) {
    run(connection, &format!("DROP DATABASE IF EXISTS {template} WITH (FORCE)")).await;
    let outlived = sqlx::query_scalar::<_, String>(OUTLIVED).bind(PREFIX).bind(template);
    for outlived in outlived.fetch_all(&mut *connection).await.expect("its user is a superuser") {
        run(connection, &format!("DROP DATABASE IF EXISTS {outlived} WITH (FORCE)")).await;
    }
    run(connection, &format!("CREATE DATABASE {template}")).await;
    let (server, _) = url.rsplit_once('/').expect("it ends with the name of a database");
    let store = Postgres::connect(&format!("{server}/{template}"), DEFAULT_SCHEMA).await.expect("connect");
    store.migrate().await.expect("migrate");
    store.close().await;
    run(connection, &format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false")).await;
}

async fn is_finished(connection: &mut PgConnection, template: &str) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND NOT datallowconn)")
        .bind(template)
        .fetch_one(connection)
        .await
        .expect("a list of databases")
}

async fn take(connection: &mut PgConnection, statement: &'static str) {
    sqlx::query(statement).bind(LOCK).execute(connection).await.expect("the lock of the templates");
}

async fn run(connection: &mut PgConnection, statement: &str) {
    connection.execute(AssertSqlSafe(statement.to_owned())).await.expect(statement);
}
