-- The state of each delivery, and what may keep it from being sent again. ?1 ids.
-- (PostgreSQL: by ids of events, too, so that no partition is read for nothing.)
SELECT unhex(wanted.value) AS id,
       coalesce(dead.lane, over.lane, d.lane) AS lane,
       d.id IS NOT NULL AS owed,
       dead.id IS NOT NULL AS dead,
       dead.reason,
       dead.last_status,
       over.status IS {finished.delivered} AS delivered,
       over.status IS {finished.cancelled} AS cancelled,
       e.expunged_at IS NOT NULL AS expunged,
       coalesce(e.payload_expired, 1) AS payload_gone,
       coalesce(dead.endpoint_id, over.endpoint_id) AS endpoint_id,
       p.deleted_at IS NOT NULL AS endpoint_deleted
FROM json_each(?1) AS wanted
LEFT JOIN ringback_delivery AS d ON d.id = unhex(wanted.value)
LEFT JOIN ringback_dead_letter AS dead ON dead.id = unhex(wanted.value)
LEFT JOIN ringback_finished AS over ON over.id = unhex(wanted.value)
LEFT JOIN ringback_event AS e ON e.seq = coalesce(d.seq, dead.seq, over.seq)
LEFT JOIN ringback_endpoint AS p ON p.id = coalesce(dead.endpoint_id, over.endpoint_id)
