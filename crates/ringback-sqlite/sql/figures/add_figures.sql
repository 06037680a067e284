-- Adds minutes to what is there: numbers to numbers, and the numbers of objects name by name. Endpoints that were deleted
-- meanwhile are left out: their figures are being removed. ?1 rows {tenant, endpoint, at, delivered, failed,
-- first_attempts, dead, errors, durations}. (PostgreSQL: one array for each column.)
INSERT INTO ringback_figure AS kept (tenant, endpoint_id, at, delivered, failed, first_attempts, dead, errors, durations)
SELECT given.value ->> 'tenant',
       unhex(given.value ->> 'endpoint'),
       given.value ->> 'at',
       given.value ->> 'delivered',
       given.value ->> 'failed',
       given.value ->> 'first_attempts',
       given.value ->> 'dead',
       given.value -> 'errors',
       given.value -> 'durations'
FROM jsonb_each(?1) AS given
WHERE NOT EXISTS (
    SELECT 1 FROM ringback_endpoint AS e WHERE e.id = unhex(given.value ->> 'endpoint') AND e.deleted_at IS NOT NULL
)
ON CONFLICT (tenant, endpoint_id, at) DO UPDATE
SET delivered = kept.delivered + excluded.delivered,
    failed = kept.failed + excluded.failed,
    first_attempts = kept.first_attempts + excluded.first_attempts,
    dead = kept.dead + excluded.dead,
    errors = (
        SELECT json_group_object(name, amount)
        FROM (
            SELECT key AS name, sum(value) AS amount
            FROM (SELECT key, value FROM json_each(kept.errors)
                  UNION ALL
                  SELECT key, value FROM json_each(excluded.errors))
            GROUP BY key
        )
    ),
    durations = (
        SELECT json_group_object(name, amount)
        FROM (
            SELECT key AS name, sum(value) AS amount
            FROM (SELECT key, value FROM json_each(kept.durations)
                  UNION ALL
                  SELECT key, value FROM json_each(excluded.durations))
            GROUP BY key
        )
    )
