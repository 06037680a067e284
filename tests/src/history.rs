//! A long history, made by one statement for each table: as if as many events had been accepted one by one.
//!
//! Of every 40 deliveries one is dead and one is pending; the others are delivered. Every tenth event is the tenant
//! `acme`'s, two at the very beginning are `lost`'s, all others `default`'s. Keys are `call-1`, `call-2` and so on.

use sqlx::AssertSqlSafe;

use crate::{database::Database, stores::Store};

/// Fills a migrated database, whose endpoints must be one of `default`'s and one of `acme`'s. To be called while no
/// server runs.
///
/// # Panics
/// When the schema is another than this was written for.
pub async fn fill(database: &Database, events: u32) {
    match database.store() {
        Store::Postgres => {
            let statements = POSTGRES.replace("$events", &events.to_string());
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut database.postgres().await).await.expect("filled");
        }
        Store::Sqlite => {
            let statements = SQLITE.replace("$events", &events.to_string());
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut database.sqlite().await).await.expect("filled");
        }
    }
}

const POSTGRES: &str = r#"
CREATE TEMP TABLE call AS
SELECT n, ringback.clock() - ($events - n) * 1000::bigint AS at,
       CASE WHEN n IN (1, 2) THEN 'lost' WHEN n % 10 = 0 THEN 'acme' ELSE 'default' END AS tenant,
       (left(ringback.floor_of(ringback.clock() - ($events - n) * 1000::bigint)::text, 14) || '7000-8000-'
        || lpad(to_hex(n), 8, '0') || '0000')::uuid AS id
FROM generate_series(1, $events) n;
INSERT INTO ringback.event (id, seq, occurred_at, payload_bytes, tenant, type, key, payload)
SELECT id, n, at, 2, tenant, CASE WHEN n % 1000 = 7 THEN 'rare' ELSE 'call.ended' END, 'call-' || n, '{}' FROM call;
INSERT INTO ringback.delivery (id, lane, due_at, seq, config_version, endpoint_id, shard)
SELECT (left(c.id::text, 32) || '0001')::uuid, p.lane, c.at, c.n, 1, p.id, p.lane & 63
FROM call c LEFT JOIN ringback.endpoint p ON p.tenant = c.tenant WHERE n % 40 = 20 AND p.id IS NOT NULL;
INSERT INTO ringback.dead_letter
    (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, last_status, reason, marks)
SELECT (left(c.id::text, 32) || '0001')::uuid, p.lane, c.at, c.n, 1, p.id, 1, 0, 500, 1, 0
FROM call c JOIN ringback.endpoint p ON p.tenant = c.tenant WHERE n % 40 = 21;
INSERT INTO ringback.finished
    (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks, number, answered, at, duration,
     detail, response_body)
SELECT (left(c.id::text, 32) || '0001')::uuid, coalesce(p.lane, 0), c.n, 1, c.at, p.id, 1, 1, 0, 1, 204, c.at, 1000, '{}', ''
FROM call c LEFT JOIN ringback.endpoint p ON p.tenant = c.tenant WHERE n % 40 NOT IN (20, 21);
SELECT setval('ringback.emit_seq', $events);
ANALYZE ringback.event, ringback.delivery, ringback.dead_letter, ringback.finished;
"#;

const SQLITE: &str = r#"
CREATE TEMP TABLE call AS
WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < $events)
SELECT n, (unixepoch('now') * 1000 - $events + n) * 1000 AS at,
       CASE WHEN n IN (1, 2) THEN 'lost' WHEN n % 10 = 0 THEN 'acme' ELSE 'default' END AS tenant,
       unhex(printf('%012x70008000%08x0000', unixepoch('now') * 1000 - $events + n, n)) AS id
FROM count;
BEGIN IMMEDIATE;
INSERT INTO ringback_event (seq, id, occurred_at, payload_bytes, tenant, type, key, payload)
SELECT n, id, at, 2, tenant, iif(n % 1000 = 7, 'rare', 'call.ended'), 'call-' || n, x'7b7d' FROM call;
INSERT INTO ringback_delivery (id, shard, lane, due_at, seq, config_version, endpoint_id)
SELECT CAST(substr(c.id, 1, 14) || x'0001' AS BLOB), p.lane & 63, p.lane, c.at, c.n, 1, p.id
FROM call c JOIN ringback_endpoint p ON p.tenant = c.tenant WHERE n % 40 = 20;
INSERT INTO ringback_dead_letter
    (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, last_status, reason, marks)
SELECT CAST(substr(c.id, 1, 14) || x'0001' AS BLOB), p.lane, c.at, c.n, 1, p.id, 1, 0, 500, 1, 0
FROM call c JOIN ringback_endpoint p ON p.tenant = c.tenant WHERE n % 40 = 21;
INSERT INTO ringback_finished
    (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks, number, answered, at, duration,
     detail, response_body)
SELECT CAST(substr(c.id, 1, 14) || x'0001' AS BLOB), coalesce(p.lane, 0), c.n, 1, c.at, p.id, 1, 1, 0, 1, 204, c.at, 1000,
       x'7b7d', x''
FROM call c LEFT JOIN ringback_endpoint p ON p.tenant = c.tenant WHERE n % 40 NOT IN (20, 21);
COMMIT;
"#;
