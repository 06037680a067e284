-- Removes sessions that would have ended by themselves before ?1. (PostgreSQL: in end_session.)
DELETE FROM ringback_ended_session WHERE until < ?1
