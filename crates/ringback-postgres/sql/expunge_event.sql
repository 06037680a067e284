-- Removes a payload for good.
UPDATE {schema}.event SET payload = NULL, expunged_at = {schema}.clock() WHERE id = $1 AND expunged_at IS NULL
