-- ?1 now. A hold that is set to a past moment ends so.
DELETE FROM ringback_hold
WHERE until <= ?1
