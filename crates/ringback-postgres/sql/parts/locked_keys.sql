-- Of these idempotency keys ($1 tenant, $2 type, $3 key) those that still stand for these events ($4), locked in the order
-- in which keys are taken.
locked AS MATERIALIZED (
    SELECT held.tenant, held.type, held.key
    FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS given (tenant, type, key, event_id)
    JOIN {schema}.idempotency held
      ON held.tenant = given.tenant AND held.type = given.type AND held.key = given.key
    WHERE held.event_id = given.event_id
    ORDER BY held.tenant, held.type, held.key
    FOR UPDATE OF held
)
