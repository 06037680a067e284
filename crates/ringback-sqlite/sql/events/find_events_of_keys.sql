-- Ids of the newest events of each of these keys (?1), with the place of the key, and whether they are in the outbox.
-- ?2 <= id < ?3, of the newest ?5 of a key those of the tenant ?4. (PostgreSQL: find_waiting tells what is in the outbox.)
SELECT given.key AS position,
       e.id,
       o.seq IS NOT NULL AS unrouted
FROM json_each(?1) AS given
CROSS JOIN ringback_event AS e
    ON e.key = given.value
   AND e.id >= coalesce((SELECT n.id
                         FROM ringback_event AS n
                         WHERE n.key = given.value
                           AND n.id >= ?2
                           AND n.id < ?3
                         ORDER BY n.id DESC
                         LIMIT 1 OFFSET ?5 - 1), ?2)
   AND e.id < ?3
LEFT JOIN ringback_outbox AS o ON o.seq = e.seq
WHERE (?4 IS NULL OR e.tenant = ?4)
