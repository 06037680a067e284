-- Removes kept events without pending deliveries and dead letters, with all their rows, a bounded number from a
-- position on; their counts are added to the ledger's past. Returns how far it came. (SQLite: the statements that drop
-- events.)
WITH page AS MATERIALIZED (
    SELECT id, tenant FROM {schema}.kept_event WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3
),
done AS MATERIALIZED (
    -- Locked in the order of their ids, as whoever erases them does.
    SELECT e.id, e.tenant
    FROM page
    JOIN {schema}.kept_event e ON e.id = page.id
    WHERE {part.is_over}
    ORDER BY e.id
    FOR UPDATE OF e
),
events AS (
    DELETE FROM {schema}.kept_event e USING done WHERE e.id = done.id
    RETURNING e.id, e.tenant
),
verdicts AS (
    DELETE FROM {schema}.kept_verdict v USING done WHERE v.event_id = done.id
    RETURNING v.event_id AS id, done.tenant, v.kind
),
deliveries AS (
    DELETE FROM {schema}.kept_finished f USING done WHERE f.id > done.id AND f.id <= {schema}.last_of(done.id)
    RETURNING f.id, done.tenant, f.status
),
past AS (
    INSERT INTO {schema}.ledger_past AS p (day, tenant, accepted, duplicate, unmatched, routed, delivered, cancelled)
    SELECT {schema}.day_of(id), tenant, sum(accepted), sum(duplicate), sum(unmatched), sum(routed), sum(delivered),
           sum(cancelled)
    FROM (
        SELECT id, tenant, 1 AS accepted, 0 AS duplicate, 0 AS unmatched, 0 AS routed, 0 AS delivered, 0 AS cancelled
        FROM events
        UNION ALL
        SELECT id, tenant, 0, (kind = {verdict.duplicate})::integer, (kind = {verdict.unmatched})::integer, 0, 0, 0
        FROM verdicts
        UNION ALL
        SELECT id, tenant, 0, 0, 0, {schema}.is_first(id)::integer, (status = {finished.delivered})::integer, (status = {finished.cancelled})::integer
        FROM deliveries
    ) gone
    GROUP BY 1, 2
    ON CONFLICT (day, tenant) DO UPDATE
    SET accepted = p.accepted + excluded.accepted, duplicate = p.duplicate + excluded.duplicate,
        unmatched = p.unmatched + excluded.unmatched, routed = p.routed + excluded.routed,
        delivered = p.delivered + excluded.delivered, cancelled = p.cancelled + excluded.cancelled
)
SELECT count(*) AS looked_at, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last FROM page
