-- Takes pointers out of the outbox. Returns the positions of those that were not there any more: only who takes a
-- pointer may route its event. (SQLite: find_pointers has looked under the writer's lock.)
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS given (xid, seq, position)
),
taken AS (
    DELETE FROM {schema}.outbox
    USING given
    WHERE outbox.xid = given.xid::text::xid8 AND outbox.seq = given.seq
    RETURNING given.position
)
SELECT position - 1 AS position FROM given WHERE position NOT IN (SELECT position FROM taken)
