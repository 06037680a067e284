-- These events ($1), with what decides whether they are missing at an endpoint ($2).
-- (SQLite: three tables are asked one after the other.)
SELECT e.id, e.seq, e.payload_bytes, e.type, e.ordering_key, {schema}.readable_keys(e.endpoint_keys) AS endpoint_keys,
       e.destination IS NOT NULL AS is_inline, e.test, e.payload IS NULL AS payload_gone,
       v.kind, owed.last, coalesce(owed.is_there, false) AS is_there,
       coalesce(v.config_version, owed.config_version) AS config_version
FROM unnest($1::uuid[]) AS wanted (wanted_id)
CROSS JOIN LATERAL (SELECT * FROM {schema}.event WHERE event.id = wanted.wanted_id LIMIT 1) e
LEFT JOIN LATERAL (SELECT kind, config_version FROM {schema}.verdict WHERE event_id = e.id LIMIT 1) v ON true
LEFT JOIN LATERAL (
    SELECT max(right(d.id::text, 4)) AS last, bool_or(d.endpoint_id = $2) AS is_there,
           min(d.config_version) AS config_version
    FROM {schema}.delivery_anywhere d
    WHERE d.id > e.id AND d.id <= {schema}.last_of(e.id)
) owed ON true
WHERE EXISTS (SELECT FROM {schema}.endpoint p WHERE p.id = $2 AND p.deleted_at IS NULL)
ORDER BY e.id
