-- A replay of a delivered one made another attempt. ?1 rows {id, attempts}.
-- (PostgreSQL: locked in the order of ids, and never lowered: another node may have counted further.)
UPDATE ringback_finished AS f
SET attempts = o.value ->> 'attempts'
FROM jsonb_each(?1) AS o
WHERE f.id = unhex(o.value ->> 'id')
