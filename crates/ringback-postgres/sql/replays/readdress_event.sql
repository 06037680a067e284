-- Gives the event of an inline delivery another destination.
UPDATE {schema}.event SET destination = $2 WHERE id = $1 AND destination IS NOT NULL
