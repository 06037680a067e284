-- These events have deliveries now, which carry the version that they were routed with. (SQLite: ids come as JSON.)
DELETE FROM {schema}.verdict WHERE event_id = ANY ($1::uuid[]) AND kind = {verdict.unmatched}
