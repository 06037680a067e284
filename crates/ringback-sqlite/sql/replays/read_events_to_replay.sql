-- These events (?2), with what decides whether they are missing at an endpoint (?1).
-- (PostgreSQL: a view of the three tables, delivery_anywhere.)
SELECT e.id,
       e.seq,
       e.payload_bytes,
       e.type,
       e.ordering_key,
       iif(octet_length(e.endpoint_keys) > 2097152, '{"bytes":' || octet_length(e.endpoint_keys) || '}',
           e.endpoint_keys) AS endpoint_keys,
       e.destination IS NOT NULL AS is_inline,
       e.test,
       e.expunged_at IS NOT NULL OR e.payload_expired AS payload_gone,
       v.kind,
       coalesce(v.config_version,
                (SELECT d.config_version FROM ringback_delivery AS d WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF') LIMIT 1),
                (SELECT d.config_version FROM ringback_dead_letter AS d WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF') LIMIT 1),
                (SELECT d.config_version FROM ringback_finished AS d WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF') LIMIT 1)) AS config_version,
       nullif(max(coalesce((SELECT max(substr(d.id, 15)) FROM ringback_delivery AS d
                            WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF')), x''),
                  coalesce((SELECT max(substr(d.id, 15)) FROM ringback_dead_letter AS d
                            WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF')), x''),
                  coalesce((SELECT max(substr(d.id, 15)) FROM ringback_finished AS d
                            WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF')), x'')), x'') AS last,
       EXISTS (SELECT 1 FROM ringback_delivery AS d
                  WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF') AND d.endpoint_id = ?1)
       OR EXISTS (SELECT 1 FROM ringback_dead_letter AS d
                  WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF') AND d.endpoint_id = ?1)
       OR EXISTS (SELECT 1 FROM ringback_finished AS d
                  WHERE d.id > e.id AND d.id <= unhex(hex(substr(e.id, 1, 14)) || 'FFFF') AND d.endpoint_id = ?1) AS is_there
FROM json_each(?2) AS wanted
CROSS JOIN ringback_event AS e ON e.id = unhex(wanted.value)
LEFT JOIN ringback_verdict AS v ON v.event_id = e.id
WHERE EXISTS (SELECT 1 FROM ringback_endpoint AS p WHERE p.id = ?1 AND p.deleted_at IS NULL)
ORDER BY e.id
