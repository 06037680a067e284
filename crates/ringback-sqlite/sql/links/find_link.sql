-- One link, whatever has become of it.
SELECT {part.link_columns}
FROM ringback_link
WHERE id = ?1
