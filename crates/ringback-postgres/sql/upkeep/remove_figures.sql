-- Removes at most $1 figures of one deleted endpoint, and, with the last of them, what else is known of its receiver.
-- Returns how many endpoints were looked at: none if there is nothing to remove. (SQLite: four statements.)
WITH gone AS MATERIALIZED (
    SELECT id, tenant FROM {schema}.endpoint WHERE deleted_at IS NOT NULL AND has_figures ORDER BY id LIMIT 1
),
removed AS (
    DELETE FROM {schema}.figure f
    USING (
        SELECT f.tenant, f.endpoint_id, f.at
        FROM gone
        JOIN {schema}.figure f ON f.tenant = gone.tenant AND f.endpoint_id = gone.id
        ORDER BY f.at
        LIMIT $1
    ) old
    WHERE f.tenant = old.tenant AND f.endpoint_id = old.endpoint_id AND f.at = old.at
    RETURNING f.at
),
forgotten AS (
    DELETE FROM {schema}.pulse p USING gone WHERE p.endpoint_id = gone.id
),
done AS (
    UPDATE {schema}.endpoint e
    SET has_figures = false
    FROM gone
    WHERE e.id = gone.id AND (SELECT count(*) FROM removed) < $1
)
SELECT count(*) FROM gone
