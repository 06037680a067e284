-- One delivery, wherever it is.
SELECT {part.delivery_columns}
FROM {schema}.delivery_anywhere d
{part.event_of_delivery}
WHERE d.id = $1 AND d.marks < {marks.delivered_before}
