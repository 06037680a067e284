-- The lane into which a dead letter of an inline destination is put back.
UPDATE {schema}.dead_letter SET lane = $2 WHERE id = $1 AND endpoint_id IS NULL
