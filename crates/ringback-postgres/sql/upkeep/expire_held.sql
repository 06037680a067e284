-- Makes dead letters (reason 2, expired) of deliveries that have been due for too long, in lanes that were kept from
-- sending for as long: a short hold must not expire deliveries that had waited for other reasons. `spec` is searched as
-- text, as the engine writes it: one that cannot be read must not keep all others from expiring. A delivery that waits
-- for its own retry time never expires; test deliveries are sent whatever their endpoint's state. (SQLite:
-- find_expired, insert_expired, add_expired, then delete_deliveries.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now),
held AS MATERIALIZED (
    SELECT lane, false AS by_endpoint FROM {schema}.hold, clock WHERE until > now AND since <= now - $1::bigint
    UNION ALL
    SELECT lane, true
    FROM {schema}.endpoint, clock
    WHERE deleted_at IS NULL AND (paused OR NOT enabled) AND updated_at <= now - $1::bigint
),
overdue AS MATERIALIZED (
    SELECT DISTINCT d.id
    FROM held
    CROSS JOIN LATERAL (
        SELECT d.id
        FROM {schema}.delivery d
        WHERE d.lane = held.lane AND d.due_at <= (SELECT now FROM clock) - $1::bigint
          AND NOT (held.by_endpoint AND d.marks & {marks.test} <> 0)
        ORDER BY d.lane, d.due_at, d.id
        LIMIT $2
    ) d
    LIMIT $2
),
locked AS MATERIALIZED (
    SELECT d.id FROM {schema}.delivery d JOIN overdue USING (id) ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
),
-- They die once they are locked, not when the search for them began: `read_written_until` knows a transaction from its
-- first lock on.
death AS MATERIALIZED (SELECT {schema}.clock() AS now WHERE (SELECT count(*) FROM locked) >= 0),
removed AS (
    DELETE FROM {schema}.delivery d USING locked WHERE d.id = locked.id RETURNING d.*
),
dead AS (
    INSERT INTO {schema}.dead_letter
        (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, last_status, reason,
         last_error, marks, blocks, ordering_key)
    SELECT r.id, r.lane, death.now, r.seq, r.config_version, r.endpoint_id, r.attempts, r.attempts_at_refill,
           last.answered, {reason.expired}, last.error, r.marks,
           r.ordering_key IS NOT NULL AND coalesce((
               SELECT e.spec LIKE '%"on_dead":"block"%' FROM {schema}.endpoint e WHERE e.id = r.endpoint_id), false),
           r.ordering_key
    FROM removed r
    CROSS JOIN death
    LEFT JOIN LATERAL (
        SELECT a.answered, a.error FROM {schema}.attempt a
        WHERE a.delivery_id = r.id AND r.attempts > 0 AND a.conclusion <> {conclusion.stale} -- a stale attempt is not the last one
        ORDER BY a.number DESC
        LIMIT 1
    ) last ON true
    WHERE r.marks & {marks.delivered_before} = 0
    RETURNING tenant, endpoint_id, died_at
),
-- They are deaths of their endpoints, of their tenants, and of everything. An inline destination has no figures of its own.
counted AS (
    INSERT INTO {schema}.figure AS kept (tenant, endpoint_id, at, dead)
    SELECT whose.tenant, whose.endpoint_id, whose.at, count(*)
    FROM dead
    CROSS JOIN LATERAL (
        VALUES ('', '00000000-0000-0000-0000-000000000000'::uuid, died_at - died_at % 60000000),
               (dead.tenant, '00000000-0000-0000-0000-000000000000'::uuid, died_at - died_at % 60000000),
               (dead.tenant, dead.endpoint_id, died_at - died_at % 60000000)
    ) whose (tenant, endpoint_id, at)
    WHERE whose.tenant IS NOT NULL AND whose.endpoint_id IS NOT NULL
    GROUP BY whose.tenant, whose.endpoint_id, whose.at
    ORDER BY whose.tenant COLLATE "C", whose.endpoint_id, whose.at
    ON CONFLICT (tenant, endpoint_id, at) DO UPDATE
    SET dead = kept.dead + excluded.dead
),
replayed AS (
    UPDATE {schema}.replay_item item
    SET outcome = {outcome.dead}
    FROM removed r
    WHERE r.marks & {marks.replay} <> 0 AND item.delivery_id = r.id AND item.released AND item.outcome IS NULL
)
SELECT count(*) FROM removed
