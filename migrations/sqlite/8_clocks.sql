-- What a clock that is wrong must not be able to do.

-- Callers make the ids that they insert. One that lies ahead of this machine's clock by more than five minutes is refused:
-- retention goes by the time in the id.
CREATE TRIGGER ringback_emit_within_clock INSTEAD OF INSERT ON ringback_emit
WHEN hex(substr(NEW.id, 1, 6)) > printf('%012X', CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) + 300000)
BEGIN
    SELECT RAISE(ABORT, 'ringback: the time in the id is ahead of this machine''s clock');
END;
