-- The lane into which a dead letter of an inline destination is put back. ?1 the delivery, ?2 the lane.
UPDATE ringback_dead_letter SET lane = ?2 WHERE id = ?1 AND endpoint_id IS NULL
