-- Removes stale attempts that repeat one that counted: the answer to the statement that recorded it was lost, and it
-- was recorded again. Returns their deliveries. (SQLite: find_repeated, before anything is inserted.)
WITH repeated AS MATERIALIZED (
    SELECT given.*
    FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::smallint[])
         AS given (id, number, at, duration, conclusion)
    WHERE EXISTS (
        SELECT FROM {schema}.attempt a
        WHERE a.delivery_id = given.id AND a.number = given.number AND a.at = given.at AND a.duration = given.duration
          AND a.conclusion = given.conclusion
    ) OR EXISTS (
        SELECT FROM {schema}.finished f
        WHERE f.id = given.id AND f.number = given.number AND f.at = given.at AND f.duration = given.duration
          AND given.conclusion = {conclusion.delivered}
    )
)
DELETE FROM {schema}.attempt a
USING repeated
WHERE a.delivery_id = repeated.id AND a.number = repeated.number AND a.at = repeated.at AND a.duration = repeated.duration
  AND a.conclusion = {conclusion.stale}
RETURNING a.delivery_id
