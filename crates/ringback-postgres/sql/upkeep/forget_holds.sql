-- Removes holds that ended long ago; none that is just being set anew is waited for.
-- (SQLite: as soon as they have ended: nothing else can be setting one.)
DELETE FROM {schema}.hold h
USING (
    SELECT lane FROM {schema}.hold
    WHERE until < (SELECT {schema}.clock()) - $1::bigint
    LIMIT $2
    FOR UPDATE SKIP LOCKED
) ended
WHERE h.lane = ended.lane
