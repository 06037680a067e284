-- Adds how receivers have done since the last time. A run of successes goes on unless there were failures in between, and
-- the other way round. Endpoints that were deleted meanwhile are left out. (SQLite: one JSON array, and its max() has
-- more than one argument.)
INSERT INTO {schema}.pulse AS kept
    (endpoint_id, last_success_at, last_failure_at, succeeding_since, failing_since, last_error, last_status)
SELECT given.*
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[], $7::integer[])
     AS given (endpoint_id, last_success_at, last_failure_at, succeeding_since, failing_since, last_error, last_status)
WHERE NOT EXISTS (
    SELECT FROM {schema}.endpoint e WHERE e.id = given.endpoint_id AND e.deleted_at IS NOT NULL
)
ORDER BY given.endpoint_id
ON CONFLICT (endpoint_id) DO UPDATE
SET last_success_at = greatest(kept.last_success_at, excluded.last_success_at),
    last_failure_at = greatest(kept.last_failure_at, excluded.last_failure_at),
    succeeding_since = CASE WHEN excluded.last_failure_at IS NULL
                            THEN coalesce(kept.succeeding_since, excluded.succeeding_since)
                            ELSE excluded.succeeding_since END,
    failing_since = CASE WHEN excluded.last_success_at IS NULL
                         THEN coalesce(kept.failing_since, excluded.failing_since)
                         ELSE excluded.failing_since END,
    last_error = CASE WHEN excluded.last_failure_at IS NULL THEN kept.last_error ELSE excluded.last_error END,
    last_status = CASE WHEN excluded.last_failure_at IS NULL THEN kept.last_status ELSE excluded.last_status END
