-- Puts delivered ones into their lanes once more, beside their finished rows. They go out of order: what an ordering
-- key waits for is done.
-- (SQLite: an attempt counts once raise_attempts has raised the count; nobody else releases meanwhile.)
INSERT INTO {schema}.delivery
    (id, lane, due_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, shard, marks)
SELECT id, lane, {schema}.clock(), seq, config_version, endpoint_id, made, made, lane & 63, marks | {marks.replay} | {marks.delivered_before}
FROM (
    SELECT f.*,
           greatest(f.attempts, (SELECT max(number) FROM {schema}.attempt a
                                 WHERE a.delivery_id = f.id AND a.delivery_id = ANY ($1::uuid[])
                                   AND a.conclusion <> {conclusion.stale})) AS made -- a stale one never counted
    FROM {schema}.finished f
    WHERE f.id = ANY ($1::uuid[]) AND f.status = {finished.delivered}
) delivered
ON CONFLICT (id) DO NOTHING
RETURNING id
