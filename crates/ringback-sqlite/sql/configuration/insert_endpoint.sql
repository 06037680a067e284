-- The version is set later in the same transaction, by set_endpoint_version.
-- (PostgreSQL: the version is raised before and set here.)
INSERT INTO ringback_endpoint (id, lane, tenant, key, event_types, enabled, disabled_reason, paused, spec, credentials,
                               created_at, updated_at, version)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)
