-- Adds how receivers have done since the last time. A run of successes goes on unless there were failures in between, and
-- the other way round. Endpoints that were deleted meanwhile are left out. ?1 rows {endpoint, last_success_at,
-- last_failure_at, succeeding_since, failing_since, last_error, last_status}. (PostgreSQL: one array for each column,
-- and greatest().)
INSERT INTO ringback_pulse AS kept
    (endpoint_id, last_success_at, last_failure_at, succeeding_since, failing_since, last_error, last_status)
SELECT unhex(given.value ->> 'endpoint'),
       given.value ->> 'last_success_at',
       given.value ->> 'last_failure_at',
       given.value ->> 'succeeding_since',
       given.value ->> 'failing_since',
       given.value ->> 'last_error',
       given.value ->> 'last_status'
FROM jsonb_each(?1) AS given
WHERE NOT EXISTS (
    SELECT 1 FROM ringback_endpoint AS e WHERE e.id = unhex(given.value ->> 'endpoint') AND e.deleted_at IS NOT NULL
)
ON CONFLICT (endpoint_id) DO UPDATE
SET last_success_at = max(coalesce(kept.last_success_at, excluded.last_success_at),
                          coalesce(excluded.last_success_at, kept.last_success_at)),
    last_failure_at = max(coalesce(kept.last_failure_at, excluded.last_failure_at),
                          coalesce(excluded.last_failure_at, kept.last_failure_at)),
    succeeding_since = CASE WHEN excluded.last_failure_at IS NULL
                            THEN coalesce(kept.succeeding_since, excluded.succeeding_since)
                            ELSE excluded.succeeding_since END,
    failing_since = CASE WHEN excluded.last_success_at IS NULL
                         THEN coalesce(kept.failing_since, excluded.failing_since)
                         ELSE excluded.failing_since END,
    last_error = CASE WHEN excluded.last_failure_at IS NULL THEN kept.last_error ELSE excluded.last_error END,
    last_status = CASE WHEN excluded.last_failure_at IS NULL THEN kept.last_status ELSE excluded.last_status END
