-- The audit record of a change, in the change's transaction. (SQLite: the time is an argument, the process's clock.)
INSERT INTO {schema}.audit (who, action, object, tenant, request_id, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)
