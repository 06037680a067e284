-- ?1 ids.
SELECT d.id
FROM json_each(?1) AS asked
CROSS JOIN ringback_delivery AS d ON d.id = unhex(asked.value)
