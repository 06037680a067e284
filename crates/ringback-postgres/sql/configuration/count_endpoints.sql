-- How many live endpoints a tenant has.
SELECT count(*) FROM {schema}.endpoint WHERE tenant = $1 AND deleted_at IS NULL
