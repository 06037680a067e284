-- An entry that an event is found by.
INSERT INTO ringback.event_metadata (name, value, event_id) VALUES
	('campaign', 'spring', '01a22544-0001-7000-8000-000000000000');
