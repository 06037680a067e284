-- Removes the content digests of these idempotency keys: a short payload could be guessed from its digest.
-- Locked in the order in which keys are taken.
WITH locked AS MATERIALIZED (
    SELECT held.tenant, held.type, held.key
    FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS given (tenant, type, key, event_id)
    JOIN {schema}.idempotency held
      ON held.tenant = given.tenant AND held.type = given.type AND held.key = given.key
    WHERE held.event_id = given.event_id
    ORDER BY held.tenant, held.type, held.key
    FOR UPDATE OF held
)
UPDATE {schema}.idempotency held
SET content = NULL
FROM locked
WHERE held.tenant = locked.tenant AND held.type = locked.type AND held.key = locked.key AND held.content IS NOT NULL
