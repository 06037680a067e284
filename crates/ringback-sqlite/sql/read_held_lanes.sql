-- ?1 now.
SELECT lane
FROM ringback_hold
WHERE until > ?1
