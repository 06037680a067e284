-- Events of a replay (?1) got deliveries, which take their places in its set. ?2 rows {event, delivery}.
-- (PostgreSQL: pairs come as two arrays.)
UPDATE ringback_replay_item AS i
SET delivery_id = unhex(made.value ->> 'delivery'), released = 1
FROM jsonb_each(?2) AS made
WHERE i.replay_id = ?1
  AND i.delivery_id = unhex(made.value ->> 'event')
