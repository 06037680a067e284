-- The counts of what was dropped.
coalesce(sum(accepted), 0)::bigint AS accepted, coalesce(sum(duplicate), 0)::bigint AS duplicate,
           coalesce(sum(unmatched), 0)::bigint AS unmatched, coalesce(sum(routed), 0)::bigint AS routed,
           coalesce(sum(delivered), 0)::bigint AS delivered, coalesce(sum(dead), 0)::bigint AS dead,
           coalesce(sum(cancelled), 0)::bigint AS cancelled
