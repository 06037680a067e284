-- Since when a lane has been held without a break: what it is held for may go on and on, hold after hold.
ALTER TABLE ringback_hold ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE ringback_hold SET since = CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER);
