-- Removes a node. A shard that names it belongs to nobody from now on.
DELETE FROM {schema}.node WHERE id = $1
