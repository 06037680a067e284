-- Takes pointers out of the outbox; only who gets a row back may route its event.
DELETE FROM {schema}.outbox
USING unnest($1::bigint[], $2::bigint[]) AS given (xid, seq)
WHERE outbox.xid = given.xid::text::xid8 AND outbox.seq = given.seq
RETURNING outbox.event_id
