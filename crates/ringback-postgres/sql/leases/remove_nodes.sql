-- Removes nodes that were found to be ended and are locked: set the clock back, and they are as ended as they were.
DELETE FROM {schema}.node WHERE id = ANY ($1::uuid[])
