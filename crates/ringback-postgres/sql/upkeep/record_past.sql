-- Adds the counts of rows that this transaction drops to the ledger's past.
-- (SQLite: rows come as JSON, dead ones among them.)
INSERT INTO {schema}.ledger_past AS p (day, tenant, accepted, duplicate, unmatched, routed, delivered, cancelled)
SELECT date '1970-01-01' + day, tenant, sum(accepted), sum(duplicate), sum(unmatched), sum(routed), sum(delivered),
       sum(cancelled)
FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
     AS given (day, tenant, accepted, duplicate, unmatched, routed, delivered, cancelled)
GROUP BY day, tenant
ON CONFLICT (day, tenant) DO UPDATE
SET accepted = p.accepted + excluded.accepted, duplicate = p.duplicate + excluded.duplicate,
    unmatched = p.unmatched + excluded.unmatched, routed = p.routed + excluded.routed,
    delivered = p.delivered + excluded.delivered, cancelled = p.cancelled + excluded.cancelled
