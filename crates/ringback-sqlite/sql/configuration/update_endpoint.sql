-- Everything but id, lane (?2), tenant (?3) and created_at (?11).
-- (PostgreSQL: both in this statement; the time is the database's.)
UPDATE ringback_endpoint
SET key = ?4,
    event_types = ?5,
    enabled = ?6,
    disabled_reason = ?7,
    paused = ?8,
    spec = ?9,
    credentials = ?10,
    updated_at = ?12
WHERE id = ?1
