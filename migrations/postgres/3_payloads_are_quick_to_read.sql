-- Payloads are compressed with LZ4 where this PostgreSQL was built with it. Every delivery reads its payload, and 2 KB
-- cost 3 us less to read and 13 us less to write than with the built-in method, for about a tenth more room. What is
-- stored already stays as it is.
DO $$
DECLARE
    holder regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
        RETURN;
    END IF;
    -- A partition that is made later takes after its parent.
    FOR holder IN
        SELECT '{schema}.event'::regclass
        UNION ALL
        SELECT '{schema}.moving_event'::regclass
        UNION ALL
        SELECT inhrelid FROM pg_inherits WHERE inhparent = '{schema}.event'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN payload SET COMPRESSION lz4', holder);
    END LOOP;
END
$$;
