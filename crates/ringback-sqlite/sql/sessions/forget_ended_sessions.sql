-- Those whose time is over, at ?1.
DELETE FROM ringback_ended_session WHERE until < ?1
