-- The partitions of the partitioned tables with their bounds (null: none) and sizes, oldest first.
-- (SQLite: no partitions.)
SELECT parent.relname::text AS parent, child.relname::text AS name,
       substring(bound.text FROM 'FROM \(''([^'']+)''\)')::uuid AS lower,
       substring(bound.text FROM 'TO \(''([^'']+)''\)')::uuid AS upper,
       pg_relation_size(child.oid) AS bytes
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent AND parent.relkind = 'p'
JOIN pg_catalog.pg_class child ON child.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = parent.relnamespace
CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS text) bound
WHERE n.nspname = '{schema}' AND parent.relname IN ('event', 'verdict', 'finished', 'attempt')
ORDER BY parent.relname, lower NULLS FIRST
