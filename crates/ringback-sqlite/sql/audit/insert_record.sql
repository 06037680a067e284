-- The audit record of a change, in the change's transaction. (PostgreSQL: the time is the database's, by default.)
INSERT INTO ringback_audit (at, who, action, object, tenant, request_id, before, after)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
