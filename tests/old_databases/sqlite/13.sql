INSERT INTO ringback_link (id, opens, tenant, subject, digest, created_at, expires_at) VALUES
(x'01a22544000270008000000000000002', 'manage', 'old', NULL, x'abababababababababababababababababababababababababababababababab', 1795921570000000, 1795921570000001);
