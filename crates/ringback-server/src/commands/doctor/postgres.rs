//! How PostgreSQL is set up, as any session of the configured role finds it: such as those of a host application,
//! which emit by SQL. Ringback's own sessions set for themselves what they need.

use std::str::FromStr as _;

use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};

use super::Finding;
use crate::configuration::Secret;

/// What is found in one look.
#[derive(Debug, Clone)]
struct Settings {
    server_version: String,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    is_standby: bool,
    read_only: String,
}

/// In the order of the fields.
const SETTINGS: &str = "SELECT current_setting('server_version'), current_setting('fsync'), \
     current_setting('full_page_writes'), current_setting('synchronous_commit'), pg_is_in_recovery(), \
     current_setting('default_transaction_read_only')";

/// Nothing if the database does not answer: `check-config`'s look says so.
pub(super) async fn check(url: &Secret) -> Vec<Finding> {
    let Ok(options) = PgConnectOptions::from_str(url.expose()) else { return Vec::new() };
    let options = options.application_name("ringback doctor").extra_float_digits(None).disable_statement_logging();
    let Ok(mut connection) = options.connect().await else { return Vec::new() };
    match read(&mut connection).await {
        Ok(settings) => judged(&settings),
        Err(error) => vec![Finding::warning(Some("database"), format!("its settings cannot be read: {error}"))],
    }
}

async fn read(connection: &mut PgConnection) -> sqlx::Result<Settings> {
    // Not prepared: it works behind every proxy, too.
    let found = sqlx::query_as::<_, (String, String, String, String, bool, String)>(SETTINGS).persistent(false);
    let (server_version, fsync, full_page_writes, synchronous_commit, is_standby, read_only) =
        found.fetch_one(connection).await?;
    Ok(Settings { server_version, fsync, full_page_writes, synchronous_commit, is_standby, read_only })
}

fn judged(settings: &Settings) -> Vec<Finding> {
    let Settings { server_version, fsync, full_page_writes, synchronous_commit, is_standby, read_only } = settings;
    let mut findings = Vec::new();
    if *is_standby {
        let told = "database_url leads to a standby, which takes no writes";
        findings.push(Finding::wrong("database", told).remedy("give the address of the primary"));
    } else if read_only == "on" {
        let told = "default_transaction_read_only is on: hosts cannot emit";
        let remedy = "ALTER ROLE … SET default_transaction_read_only = off, or the same for the database";
        findings.push(Finding::wrong("database", told).remedy(remedy));
    }
    for (name, value) in [("fsync", fsync), ("full_page_writes", full_page_writes)] {
        if value != "on" {
            let told =
                format!("{name} is {value}: after a crash of its machine the database may be damaged or forget events");
            findings.push(Finding::wrong("database", told).remedy(format!("set {name} = on in postgresql.conf")));
        }
    }
    if synchronous_commit == "off" {
        let told = "synchronous_commit is off for sessions of this role: what a host emits by SQL may be forgotten in a \
                    crash, though its transaction was committed; Ringback's own sessions set it on";
        let remedy = "ALTER ROLE … SET synchronous_commit = on for the roles that emit";
        findings.push(Finding::warning(Some("database"), told).remedy(remedy));
    }
    if findings.is_empty() {
        let told = format!(
            "PostgreSQL {server_version}, a primary, with fsync and full_page_writes on, synchronous_commit \
             {synchronous_commit}"
        );
        findings.push(Finding::fine("database", told));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    fn settings() -> Settings {
        let on = || "on".to_owned();
        Settings {
            server_version: "17.1".to_owned(),
            fsync: on(),
            full_page_writes: on(),
            synchronous_commit: on(),
            is_standby: false,
            read_only: "off".to_owned(),
        }
    }

    fn severities(settings: &Settings) -> Vec<Severity> {
        judged(settings).into_iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn what_may_lose_events_is_told() {
        assert_eq!(severities(&settings()), [Severity::Fine]);
        let off = || "off".to_owned();
        assert_eq!(severities(&Settings { fsync: off(), ..settings() }), [Severity::Wrong]);
        assert_eq!(severities(&Settings { full_page_writes: off(), ..settings() }), [Severity::Wrong]);
        assert_eq!(severities(&Settings { synchronous_commit: off(), ..settings() }), [Severity::Warning]);
        assert_eq!(severities(&Settings { is_standby: true, ..settings() }), [Severity::Wrong]);
        assert_eq!(severities(&Settings { read_only: "on".to_owned(), ..settings() }), [Severity::Wrong]);
    }
}
