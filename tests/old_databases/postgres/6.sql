-- Rows as a server left them after a walk through its API, and below some that it holds for a short time only.
INSERT INTO ringback.expunge (id, tenant, state, filter, erases_keys, matched, bytes, expunged, skipped, payload_bytes, cancelled, attempts, "position", digest, who, created_at, finished_at) VALUES
	('01a22544-ed20-72a7-81a6-8f08d670b1cb', 'walk-11644-30618', 2, '{"tenant":"walk-11644-30618","key":"***"}', true, 1, 25, 1, 0, 25, 0, 2, '01a22544-e766-7632-911a-97d2f5f00000', '1220e2d5047575c6b50b802ef3e797f5a013e95625343fa0a3dfd579ca867f14', 'admin_token', 1795921603873194, 1795921604180045);
INSERT INTO ringback.expunge (id, tenant, state, filter, erases_keys, matched, bytes, who, created_at) VALUES
	('01a22544000270008000000000000001', 'old', 1, '{"tenant":"old","key":"call-unrouted"}', false, 1, 2, 'command_line', 1795921570000000);
INSERT INTO ringback.expunge_item (expunge_id, event_id) VALUES ('01a22544000270008000000000000001', '01a22544000070008000000000010000');
