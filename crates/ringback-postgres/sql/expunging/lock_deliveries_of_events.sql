-- What is owed of events, locked in the order of their ids, as whoever records outcomes does.
SELECT d.id
FROM unnest($1::uuid[]) AS given (id)
JOIN {schema}.delivery d ON d.id > given.id AND d.id <= {schema}.last_of(given.id)
ORDER BY d.id
FOR UPDATE OF d
