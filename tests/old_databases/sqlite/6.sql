-- Rows as a server left them after a walk through its API, and below some that it holds for a short time only.
INSERT INTO ringback_expunge (id, tenant, state, filter, erases_keys, matched, bytes, expunged, skipped, payload_bytes, cancelled, attempts, position, digest, who, created_at, finished_at) VALUES
(x'01a22544b74a78a4aa550600a03fb819', 'walk-10442-22654', 2, '{"tenant":"walk-10442-22654","key":"***"}', 1, 1, 25, 1, 0, 25, 0, 2, x'01a22544ad727d789986bf126fbd0000', '870eb138b54dcff1cb313a34e8e052680357af242c74708ab19b0b8b76ec01bd', 'admin_token', 1795921590091225, 1795921590478170);
INSERT INTO ringback_expunge (id, tenant, state, filter, erases_keys, matched, bytes, who, created_at) VALUES
(x'01a22544000270008000000000000001', 'old', 1, '{"tenant":"old","key":"call-unrouted"}', 0, 1, 2, 'command_line', 1795921570000000);
INSERT INTO ringback_expunge_item (expunge_id, event_id) VALUES (x'01a22544000270008000000000000001', x'01a22544000070008000000000010000');
