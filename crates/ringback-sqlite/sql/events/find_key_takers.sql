-- The events that took the idempotency key ?1; ?2 tenant. The key stands last in the index, so each pair of tenant and type
-- is a step of its own: at most ?3 of them; the comparison of a pair would walk all
-- keys of its tenant, so it is written as two. (PostgreSQL: with the time of its clock.)
WITH RECURSIVE named (tenant, type, nth) AS (
    SELECT tenant, type, 1
    FROM (SELECT tenant, type
          FROM ringback_idempotency
          WHERE tenant >= coalesce(?2, '')
          ORDER BY tenant, type
          LIMIT 1)
    UNION ALL
    SELECT next.tenant, next.type, n.nth + 1
    FROM named AS n
    CROSS JOIN ringback_idempotency AS next ON next.row = coalesce(
        (SELECT i.row
         FROM ringback_idempotency AS i
         WHERE i.tenant = n.tenant
           AND i.type > n.type
         ORDER BY i.type
         LIMIT 1),
        (SELECT i.row
         FROM ringback_idempotency AS i
         WHERE i.tenant > n.tenant
         ORDER BY i.tenant, i.type
         LIMIT 1)
    )
    WHERE n.nth < ?3
      AND (?2 IS NULL OR n.tenant = ?2)
)
SELECT i.event_id
FROM named AS n
CROSS JOIN ringback_idempotency AS i
    ON i.tenant = n.tenant
   AND i.type = n.type
   AND i.key = ?1
WHERE (?2 IS NULL OR n.tenant = ?2)
