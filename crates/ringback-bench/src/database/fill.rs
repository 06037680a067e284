//! Events emitted by SQL alone, as many as wanted: one statement, on SQLite one for each twenty thousand. Their
//! payloads tell no moment of emit.

use sqlx::AssertSqlSafe;

use super::{Database, Session};
use crate::{
    failure::{Result, While as _},
    measure::clock,
    payload::{AROUND, PERIOD, STEP, talk},
    sizes::Sizes,
};

/// Most events of one transaction on SQLite: its log keeps a transaction whole.
const SQLITE_CHUNK: u64 = 20_000;

/// Whom filled-in events are for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To {
    /// The default tenant's endpoints.
    All,
    /// They take turns among so many tenants, `t0` and following.
    Tenants(u64),
    /// A URL of its own for each, on these addresses and ports of the receiver.
    Urls { addresses: u16, first_port: u16, ports: u16 },
}

impl To {
    fn tenant(self) -> String {
        match self {
            Self::Tenants(tenants) => format!("'t' || (i % {tenants})"),
            Self::All | Self::Urls { .. } => "'default'".to_owned(),
        }
    }

    /// An SQL expression for the URL; it works in both dialects.
    fn url(self) -> Option<String> {
        let Self::Urls { addresses, first_port, ports } = self else { return None };
        Some(format!(
            "'http://127.0.0.' || (1 + i % {addresses}) || ':' || ({first_port} + (i / {addresses}) % {ports}) \
             || '/healthy/0/' || i"
        ))
    }
}

impl Database {
    /// Emits the events numbered from `first`.
    pub(crate) async fn fill(&self, first: u64, count: u64, sizes: Sizes, to: To) -> Result<()> {
        let (talk, from, end) = (talk(sizes.largest()), signed(first), signed(first + count));
        match self.session().await? {
            Session::Postgres(mut connection) => {
                let emit = sqlx::query(AssertSqlSafe(on_postgres(sizes, to))).bind(talk).bind(from).bind(end - 1);
                emit.execute(&mut connection).await.during("filling")?;
            }
            Session::Sqlite(mut connection) => {
                let statement = on_sqlite(sizes, to);
                for from in (first..first + count).step_by(SQLITE_CHUNK as usize) {
                    let last = end.min(signed(from + SQLITE_CHUNK)) - 1;
                    let emit = sqlx::query(AssertSqlSafe(statement.clone())).bind(&talk).bind(signed(from)).bind(last);
                    emit.bind(clock::unix_us() / 1_000).execute(&mut connection).await.during("filling")?;
                }
            }
        }
        Ok(())
    }
}

fn on_postgres(sizes: Sizes, to: To) -> String {
    let (tenant, bytes) = (to.tenant(), sizes.sql());
    let destination =
        to.url().map_or_else(String::new, |url| format!(", 'destination', jsonb_build_object('url', {url})"));
    format!(
        r#"SELECT count(ringback.emit('call.ended',
               '{{"n":"' || lpad(i::text, 10, '0') || '","emitted_ns":"0000000000000000000","text":"'
                   || substr($1, (1 + i * {STEP} % {PERIOD})::integer, {bytes} - {AROUND}) || '"}}',
               jsonb_build_object('tenant', {tenant}, 'key', 'call-' || i{destination})))
           FROM generate_series($2::bigint, $3::bigint) AS i"#
    )
}

/// An id is the time in milliseconds, the version, the variant, and the event's number.
fn on_sqlite(sizes: Sizes, to: To) -> String {
    let (tenant, bytes) = (to.tenant(), sizes.sql());
    let destination = to.url().map_or_else(|| "NULL".to_owned(), |url| format!("json_object('url', {url})"));
    format!(
        r#"WITH RECURSIVE numbers (i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?3)
           INSERT INTO ringback_emit (id, tenant, type, key, occurred_at, destination, payload)
           SELECT unhex(printf('%012x70008000%08x0000', ?4, i)), {tenant}, 'call.ended', 'call-' || i, ?4 * 1000,
                  {destination},
                  CAST('{{"n":"' || printf('%010d', i) || '","emitted_ns":"0000000000000000000","text":"'
                      || substr(?1, 1 + i * {STEP} % {PERIOD}, {bytes} - {AROUND}) || '"}}' AS BLOB)
           FROM numbers"#
    )
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
