-- Events accepted from ?1 on, among the newest ?2, of the tenant ?3 if one is given.
-- (PostgreSQL: among the newest of all, as it has no index for tenants.)
SELECT count(*) AS accepted, min(id) AS oldest
FROM (SELECT id
      FROM ringback_event
      WHERE id >= ?1 {narrowed}
      ORDER BY id DESC
      LIMIT ?2)
