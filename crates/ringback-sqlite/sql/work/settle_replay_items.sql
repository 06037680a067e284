-- What became of deliveries that replays released. ?1 rows {id, outcome}. (PostgreSQL: in record_outcomes.)
UPDATE ringback_replay_item AS i
SET outcome = o.value ->> 'outcome'
FROM jsonb_each(?1) AS o
WHERE i.delivery_id = unhex(o.value ->> 'id')
  AND i.released
  AND i.outcome IS NULL
