INSERT INTO ringback.link (id, opens, tenant, subject, digest, created_at, expires_at) VALUES
	('01a22544000270008000000000000002', 'manage', 'old', NULL, decode(repeat('ab', 32), 'hex'), 1795921570000000, 1795921570000001);
