-- Adds minutes to what is there: numbers to numbers, and the numbers of objects name by name. Rows are locked in the order
-- of the key, as by every node. Endpoints that were deleted meanwhile are left out: their figures are being removed.
-- (SQLite: one JSON array.)
INSERT INTO {schema}.figure AS kept (tenant, endpoint_id, at, delivered, failed, first_attempts, dead, errors, durations)
SELECT given.tenant, given.endpoint_id, given.at, given.delivered, given.failed, given.first_attempts, given.dead,
       given.errors::jsonb, given.durations::jsonb
FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
            $9::text[])
     AS given (tenant, endpoint_id, at, delivered, failed, first_attempts, dead, errors, durations)
WHERE NOT EXISTS (
    SELECT FROM {schema}.endpoint e WHERE e.id = given.endpoint_id AND e.deleted_at IS NOT NULL
)
ORDER BY given.tenant COLLATE "C", given.endpoint_id, given.at
ON CONFLICT (tenant, endpoint_id, at) DO UPDATE
SET delivered = kept.delivered + excluded.delivered,
    failed = kept.failed + excluded.failed,
    first_attempts = kept.first_attempts + excluded.first_attempts,
    dead = kept.dead + excluded.dead,
    errors = (
        SELECT coalesce(jsonb_object_agg(sums.key, sums.amount), '{}')
        FROM (
            SELECT each.key, sum(each.value::bigint) AS amount
            FROM (SELECT * FROM jsonb_each_text(kept.errors)
                  UNION ALL
                  SELECT * FROM jsonb_each_text(excluded.errors)) each
            GROUP BY each.key
        ) sums
    ),
    durations = (
        SELECT coalesce(jsonb_object_agg(sums.key, sums.amount), '{}')
        FROM (
            SELECT each.key, sum(each.value::bigint) AS amount
            FROM (SELECT * FROM jsonb_each_text(kept.durations)
                  UNION ALL
                  SELECT * FROM jsonb_each_text(excluded.durations)) each
            GROUP BY each.key
        ) sums
    )
