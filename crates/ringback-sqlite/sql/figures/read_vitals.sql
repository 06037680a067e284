-- What is known of endpoints: how their receivers do, a hold that has not ended, and what is pending, counted up to ?3 of
-- each lane. ?1 rows {endpoint, lane}, ?2 now. (PostgreSQL: one LATERAL for both things that deliveries tell.)
SELECT p.last_success_at, p.last_failure_at, p.succeeding_since, p.failing_since, p.last_error, p.last_status,
       h.reason, h.since, h.until,
       (SELECT count(*)
        FROM (SELECT 1
              FROM ringback_delivery AS d
              WHERE d.lane = given.value ->> 'lane' AND d.marks & {marks.delivered_before} = 0
              LIMIT ?3)) AS pending,
       (SELECT d.due_at
        FROM ringback_delivery AS d
        WHERE d.lane = given.value ->> 'lane' AND d.marks & {marks.delivered_before} = 0
        ORDER BY d.due_at
        LIMIT 1) AS oldest_due_at
FROM jsonb_each(?1) AS given
LEFT JOIN ringback_pulse AS p ON p.endpoint_id = unhex(given.value ->> 'endpoint')
LEFT JOIN ringback_hold AS h ON h.lane = given.value ->> 'lane' AND h.until > ?2
ORDER BY given.key
