-- Removes dead letters beyond retention; their counts go to the ledger's past. Returns those that blocked.
-- (SQLite: find_dead_letters_to_drop, then delete_dead_letters.)
WITH old AS MATERIALIZED (
    SELECT id FROM {schema}.dead_letter WHERE died_at < (SELECT {schema}.clock()) - $1::bigint ORDER BY died_at, id LIMIT $2
),
gone AS (
    DELETE FROM {schema}.dead_letter d USING old WHERE d.id = old.id RETURNING d.id, d.blocks
),
past AS (
    INSERT INTO {schema}.ledger_past AS p (day, tenant, dead, routed)
    SELECT {schema}.day_of(g.id), e.tenant, count(*), count(*) FILTER (WHERE {schema}.is_first(g.id))
    FROM gone g
    JOIN {schema}.event e ON e.id = {schema}.event_of(g.id)
    GROUP BY 1, 2
    ON CONFLICT (day, tenant) DO UPDATE SET dead = p.dead + excluded.dead, routed = p.routed + excluded.routed
)
SELECT id, blocks FROM gone
