-- Raises the configuration version, one number for each change, and holds the row until commit: versions become
-- visible in order.
UPDATE {schema}.config SET version = version + $1 RETURNING version
