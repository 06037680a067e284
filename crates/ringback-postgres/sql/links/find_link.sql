-- One link, whatever has become of it.
SELECT {part.link_columns}
FROM {schema}.link
WHERE id = $1
