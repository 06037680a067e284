-- Those of these events whose payload was expunged. Few are, so the index of those is asked and not the events.
-- (SQLite: asked when stale outcomes are recorded, so it also says which are inline.)
SELECT id
FROM unnest($1::uuid[]) AS wanted (wanted_id)
CROSS JOIN LATERAL (
    SELECT id FROM {schema}.event WHERE event.id = wanted.wanted_id AND expunged_at IS NOT NULL LIMIT 1
) e
