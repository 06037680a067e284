-- Removes holds that ended long ago.
DELETE FROM {schema}.hold WHERE until < (SELECT {schema}.clock()) - $1::bigint
