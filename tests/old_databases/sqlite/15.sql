-- An entry that an event is found by.
INSERT INTO ringback_event_metadata (name, value, event_id) VALUES
('campaign', 'spring', x'01a22544000170008000000000000000');
