-- What a clock that is wrong, or is set, must not be able to do.

-- A lease that ends later than its length from now was granted before the clock was set back. Null where a node of an
-- earlier version has registered.
ALTER TABLE {schema}.node ADD COLUMN lease bigint;

COMMENT ON COLUMN {schema}.node.lease IS 'How long it was granted for when it was last renewed.';

-- Ids that lie ahead of this database's clock by more than five minutes are refused: retention goes by the time in the
-- id, and so does the partition that an event is in. `greatest_id` is the last of those that are to be stored.
CREATE FUNCTION {schema}.within_clock(greatest_id uuid, now bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF {schema}.accepted_at(greatest_id) > now + 300000000 THEN
        RAISE EXCEPTION 'ringback: an event''s id is of %, and the database''s clock shows %: the clock of the node that accepted it is ahead',
            to_timestamp({schema}.accepted_at(greatest_id) / 1e6), to_timestamp(now / 1e6)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Set the clocks of the nodes and of the database by NTP.';
    END IF;
    RETURN now;
END
$$;

-- Deliveries that were put back or made anew lately: while a partition is retired, their events are kept.
CREATE INDEX change_released ON {schema}.change (subject) WHERE kind = 3;

REVOKE ALL ON FUNCTION {schema}.within_clock(uuid, bigint) FROM PUBLIC;
