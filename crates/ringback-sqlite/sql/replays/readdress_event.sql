-- Gives the event of an inline delivery another destination. ?1 the event, ?2 the destination.
UPDATE ringback_event SET destination = ?2 WHERE id = ?1 AND destination IS NOT NULL
