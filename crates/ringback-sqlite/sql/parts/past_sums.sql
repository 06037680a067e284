-- The counts of what was dropped.
coalesce(sum(accepted), 0) AS accepted,
           coalesce(sum(duplicate), 0) AS duplicate,
           coalesce(sum(unmatched), 0) AS unmatched,
           coalesce(sum(routed), 0) AS routed,
           coalesce(sum(delivered), 0) AS delivered,
           coalesce(sum(dead), 0) AS dead,
           coalesce(sum(cancelled), 0) AS cancelled
