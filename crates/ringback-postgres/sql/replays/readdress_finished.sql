-- The lane into which a delivered one of an inline destination is put once more.
UPDATE {schema}.finished SET lane = $2 WHERE id = $1 AND endpoint_id IS NULL
