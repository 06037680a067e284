-- One delivery, from whichever table has it.
-- (SQLite: list_pending, list_dead and list_finished with the id as their range.)
SELECT {part.delivery_columns}
FROM {schema}.delivery_anywhere d
{part.event_of_delivery}
WHERE d.id = $1 AND d.marks < {marks.delivered_before}
