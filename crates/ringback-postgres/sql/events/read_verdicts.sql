-- What became of events in routing: a verdict, or (kind 0) the configuration version of their first delivery.
-- An event with neither is not routed yet, or its deliveries were dropped. (SQLite: in list_events.)
SELECT event_id, kind, duplicate_of, config_version
FROM {schema}.verdict
WHERE event_id = ANY ($1::uuid[])
UNION ALL
SELECT {schema}.event_of(id), 0::smallint, NULL, config_version
FROM {schema}.delivery_anywhere
WHERE id = ANY ($2::uuid[]) AND marks < {marks.delivered_before}
