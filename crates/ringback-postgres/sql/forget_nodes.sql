-- Removes nodes that went away without saying so long ago and own nothing any more.
DELETE FROM {schema}.node n
WHERE n.lease_until < (SELECT {schema}.clock()) - $1::bigint
  AND NOT EXISTS (SELECT FROM {schema}.shard s WHERE s.node_id = n.id)
