-- ?1 now. A hold that is set to a past moment ends so.
-- (PostgreSQL: only long ended ones, and none that another node has locked.)
DELETE FROM ringback_hold
WHERE until <= ?1
