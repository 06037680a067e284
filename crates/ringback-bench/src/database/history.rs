//! A past: events delivered over the last eighty days, in the partitions that they would be in by now, their payloads
//! expired. Written past Ringback, since living through it would take as long.

use ringback::attempt::ErrorClass;

use super::{Database, Session, fill::signed};
use crate::{
    failure::{Result, While as _},
    measure::clock,
};

/// How far back it goes, in days; less than events are kept.
const DAYS: i64 = 80;

/// A partition for each two days, as upkeep cuts them.
const PARTITIONS: i64 = 40;

const DAY_MS: i64 = 86_400_000;

/// One in so many events has a delivery that died.
pub(crate) const DEAD_EACH: u64 = 100;

/// Rows of one statement.
const CHUNK: u64 = 100_000;

/// What is kept of a request and its answer, in bytes: as much as the engine keeps of a usual one. What is in it nothing
/// that is measured reads.
const DETAIL_BYTES: usize = 290;

impl Database {
    /// Writes a past of `count` events with one delivery each to `endpoint` (`ep_…`); their keys are `past-0` and
    /// following. One event in [`DEAD_EACH`] has another delivery that died, to one of `dead` in turn. Comes before any
    /// other event.
    pub(crate) async fn fill_history(&self, count: u64, endpoint: &str, dead: &[String]) -> Result<()> {
        let endpoint = endpoint.trim_start_matches("ep_").to_owned();
        let all_dead = dead.iter().map(|endpoint| endpoint.trim_start_matches("ep_")).collect::<Vec<_>>().join(",");
        let since = clock::unix_us() / 1_000 - DAYS * DAY_MS;
        let detail = format!(r#"{{"kept":"{}"}}"#, "x".repeat(DETAIL_BYTES - 11));
        let mut session = self.session().await?;
        if let Session::Postgres(_) = session {
            session.execute(partitions(since)).await?;
        }
        for from in (0..count).step_by(CHUNK as usize) {
            let last = signed((from + CHUNK).min(count)) - 1;
            let statements = match session {
                Session::Postgres(_) => [PG_EVENTS, PG_FINISHED, PG_DEAD],
                Session::Sqlite(_) => [SQLITE_EVENTS, SQLITE_FINISHED, SQLITE_DEAD],
            };
            for statement in &statements[..if dead.is_empty() { 2 } else { 3 }] {
                let each_ms = (DAYS * DAY_MS) as f64 / count as f64;
                let statement = statement
                    .replace("{MS}", &format!("({since} + CAST(i * {each_ms} AS BIGINT))"))
                    .replace("{FIRST}", &from.to_string())
                    .replace("{LAST}", &last.to_string())
                    .replace("{ENDPOINT}", &endpoint)
                    .replace("{DEAD}", &all_dead)
                    .replace("{COUNT}", &dead.len().to_string())
                    .replace("{EACH}", &DEAD_EACH.to_string())
                    .replace("{STATUS}", &ErrorClass::Status.code().to_string())
                    .replace("{DETAIL}", &detail);
                session.execute(statement).await.during("writing a history")?;
            }
        }
        Ok(())
    }
}

/// Cuts what lies below the newest partition the way it would be after eighty days.
fn partitions(since: i64) -> String {
    let step = DAYS * DAY_MS / PARTITIONS;
    format!(
        r"DO $$
        DECLARE
            parent text;
            top    uuid;
            lower  uuid;
            upper  uuid;
        BEGIN
            FOREACH parent IN ARRAY ARRAY['event', 'verdict', 'finished', 'attempt'] LOOP
                SELECT substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''([0-9a-f-]+)''\)')::uuid INTO top
                FROM pg_class WHERE oid = ('ringback.kept_' || parent)::regclass;
                EXECUTE format('ALTER TABLE ringback.%1$I DETACH PARTITION ringback.kept_%1$s', parent);
                EXECUTE format('ALTER TABLE ringback.%1$I ATTACH PARTITION ringback.kept_%1$s FOR VALUES FROM (MINVALUE) TO (%2$L)',
                               parent, ringback.floor_of({since} * 1000::bigint));
                FOR at IN 0..{PARTITIONS} - 1 LOOP
                    lower := ringback.floor_of(({since} + at * {step}::bigint) * 1000);
                    upper := CASE WHEN at = {PARTITIONS} - 1 THEN top
                                  ELSE ringback.floor_of(({since} + (at + 1) * {step}::bigint) * 1000) END;
                    EXECUTE format('CREATE TABLE ringback.%1$s_%4$s PARTITION OF ringback.%1$I FOR VALUES FROM (%2$L) TO (%3$L)',
                                   parent, lower, upper, {since} + at * {step}::bigint);
                END LOOP;
            END LOOP;
        END
        $$"
    )
}

const PG_EVENTS: &str = "
    INSERT INTO ringback.event (id, occurred_at, payload_bytes, payload_expired, tenant, type, key)
    SELECT (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(i), 8, '0') || '0000')::uuid, ms * 1000, 2048, true,
           'default', 'call.ended', 'past-' || i
    FROM (SELECT i, {MS} AS ms FROM generate_series({FIRST}::bigint, {LAST}) AS i) AS moments";

const PG_FINISHED: &str = r#"
    INSERT INTO ringback.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks,
                                   number, answered, at, duration, detail, response_body)
    SELECT (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(i), 8, '0') || '0001')::uuid, 64, i, 1,
           ms * 1000 + 3000, '{ENDPOINT}'::uuid, 1, 1, 0, 1, 204, ms * 1000 + 1000, 1500, '{DETAIL}'::bytea, ''::bytea
    FROM (SELECT i, {MS} AS ms FROM generate_series({FIRST}::bigint, {LAST}) AS i) AS moments"#;

const PG_DEAD: &str = "
    INSERT INTO ringback.dead_letter (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill,
                                      last_status, reason, last_error, marks, tenant, type)
    SELECT (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(i), 8, '0') || '0002')::uuid, 65, ms * 1000 + 70000000,
           i, 1, ('{{DEAD}}'::uuid[])[1 + i / {EACH} % {COUNT}], 3, 0, 500 + i / {EACH} % {COUNT}, 1, {STATUS}, 0, 'default',
           'call.ended'
    FROM (SELECT i, {MS} AS ms FROM generate_series({FIRST}::bigint, {LAST}) AS i WHERE i % {EACH} = 0) AS moments";

const SQLITE_EVENTS: &str = "
    WITH RECURSIVE numbers (i) AS (SELECT {FIRST} UNION ALL SELECT i + 1 FROM numbers WHERE i < {LAST})
    INSERT INTO ringback_event (seq, id, tenant, type, key, occurred_at, payload_bytes, payload_expired)
    SELECT i + 1, unhex(printf('%012x70008000%08x0000', ms, i)), 'default', 'call.ended', 'past-' || i, ms * 1000, 2048, 1
    FROM (SELECT i, {MS} AS ms FROM numbers)";

const SQLITE_FINISHED: &str = r#"
    WITH RECURSIVE numbers (i) AS (SELECT {FIRST} UNION ALL SELECT i + 1 FROM numbers WHERE i < {LAST})
    INSERT INTO ringback_finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks,
                                   number, answered, at, duration, detail, response_body)
    SELECT unhex(printf('%012x70008000%08x0001', ms, i)), 64, i + 1, 1, ms * 1000 + 3000, unhex('{ENDPOINT}'), 1, 1, 0, 1,
           204, ms * 1000 + 1000, 1500, CAST('{DETAIL}' AS BLOB), x''
    FROM (SELECT i, {MS} AS ms FROM numbers)"#;

const SQLITE_DEAD: &str = r#"
    WITH RECURSIVE numbers (i) AS (SELECT {FIRST} UNION ALL SELECT i + 1 FROM numbers WHERE i < {LAST})
    INSERT INTO ringback_dead_letter (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill,
                                      last_status, reason, last_error, marks, tenant, type)
    SELECT unhex(printf('%012x70008000%08x0002', ms, i)), 65, ms * 1000 + 70000000, i + 1, 1,
           unhex(substr('{DEAD}', 1 + i / {EACH} % {COUNT} * 33, 32)), 3, 0, 500 + i / {EACH} % {COUNT}, 1, {STATUS}, 0,
           'default', 'call.ended'
    FROM (SELECT i, {MS} AS ms FROM numbers WHERE i % {EACH} = 0)"#;
