-- What was added up in one minute, and how an endpoint did then.
INSERT INTO ringback_figure (tenant, endpoint_id, at, delivered, failed, first_attempts, dead, errors, durations) VALUES
('', zeroblob(16), 1795921560000000, 3, 1, 3, 1, '{"timeout":1}', '{"94":3,"187":1}');
INSERT INTO ringback_figure_part (id, added_at) VALUES (x'01a22544000270008000000000000012', 1795921570000000);
INSERT INTO ringback_pulse (endpoint_id, last_success_at, last_failure_at, failing_since, last_error) VALUES
(x'01a22544000170008000000000000012', 1795921561000000, 1795921562000000, 1795921562000000, 3);
