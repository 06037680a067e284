-- An endpoint is enabled again: its pending deliveries are due at once and have their whole budget of tries.
UPDATE {schema}.delivery
SET due_at = {schema}.clock(), attempts_at_refill = attempts
WHERE lane = $1 AND endpoint_id = $2
