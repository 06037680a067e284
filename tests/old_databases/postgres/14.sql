-- What two nodes added up in one minute, and how an endpoint did then.
INSERT INTO ringback.figure (tenant, endpoint_id, at, delivered, failed, first_attempts, dead, errors, durations) VALUES
	('', '00000000-0000-0000-0000-000000000000', 1795921560000000, 3, 1, 3, 1, '{"timeout": 1}', '{"94": 3, "187": 1}');
INSERT INTO ringback.figure_part (id, added_at) VALUES ('01a22544-0002-7000-8000-000000000012', 1795921570000000);
INSERT INTO ringback.pulse (endpoint_id, last_success_at, last_failure_at, failing_since, last_error) VALUES
	('01a22544-0001-7000-8000-000000000012', 1795921561000000, 1795921562000000, 1795921562000000, 3);
