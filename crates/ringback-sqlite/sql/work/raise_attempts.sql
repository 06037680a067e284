-- A replay of a delivered one made another attempt. ?1 rows {id, attempts}.
UPDATE ringback_finished AS f
SET attempts = o.value ->> 'attempts'
FROM jsonb_each(?1) AS o
WHERE f.id = unhex(o.value ->> 'id')
