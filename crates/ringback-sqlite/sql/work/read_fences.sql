-- ?1 ids. (PostgreSQL: in record_outcomes.)
SELECT d.id, d.attempts, d.marks
FROM json_each(?1) AS wanted
CROSS JOIN ringback_delivery AS d ON d.id = unhex(wanted.value)
