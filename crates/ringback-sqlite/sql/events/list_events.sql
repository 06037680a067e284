-- Events; endpoint keys and trace only of a single one (?4 = 1): those of a whole page could be large, and a trace stands
-- behind the payload, whose pages would be read.
-- ?1 <= id < ?2, ?3 the window, ?4 how many, ?5 key, ?6 tenant, ?7 type, ?8 and ?9 an entry of metadata that an index finds,
-- ?10 all entries that they must have.
-- (PostgreSQL: find_waiting and read_verdicts tell what became of them, find_events finds those of a key,
-- find_events_of_metadata those of an entry.)
WITH scanned AS (
    SELECT seq
    FROM ringback_event
    WHERE id >= ?1
      AND id < ?2 {narrowed}
    ORDER BY id DESC
    LIMIT ?3
),
matched AS (
    SELECT e.seq, e.id
    FROM scanned AS s
    CROSS JOIN ringback_event AS e ON e.seq = s.seq
    WHERE (?6 IS NULL OR e.tenant = ?6)
      AND (?7 IS NULL OR e.type = ?7)
      AND (?5 IS NULL OR e.key = ?5)
      AND (?10 IS NULL
           OR NOT EXISTS (
               SELECT 1
               FROM json_each(?10) AS wanted
               WHERE NOT EXISTS (
                   SELECT 1
                   FROM ringback_event_metadata AS noted
                   WHERE noted.name = wanted.key AND noted.value = wanted.value AND noted.event_id = e.id
               )
           ))
    ORDER BY e.id DESC
    LIMIT ?4
)
SELECT {part.event_columns},
       iif(?4 = 1, iif(octet_length(e.endpoint_keys) > 2097152, '{"bytes":' || octet_length(e.endpoint_keys) || '}',
                       e.endpoint_keys), NULL) AS endpoint_keys,
       e.destination,
       iif(?4 = 1, e.trace, NULL) AS trace,
       e.deliver_after,
       e.expires_at,
       e.metadata,
       e.test,
       e.payload_bytes,
       e.expunged_at,
       o.seq IS NOT NULL AS unrouted,
       v.kind,
       v.duplicate_of,
       coalesce(
           v.config_version,
           (SELECT d.config_version FROM ringback_delivery AS d
            WHERE d.id = CAST(substr(e.id, 1, 14) || x'0001' AS BLOB)),
           (SELECT d.config_version FROM ringback_dead_letter AS d
            WHERE d.id = CAST(substr(e.id, 1, 14) || x'0001' AS BLOB)),
           (SELECT d.config_version FROM ringback_finished AS d
            WHERE d.id = CAST(substr(e.id, 1, 14) || x'0001' AS BLOB))
       ) AS config_version
FROM matched AS m
CROSS JOIN ringback_event AS e ON e.seq = m.seq
LEFT JOIN ringback_outbox AS o ON o.seq = e.seq
LEFT JOIN ringback_verdict AS v ON v.event_id = e.id
ORDER BY e.id DESC
