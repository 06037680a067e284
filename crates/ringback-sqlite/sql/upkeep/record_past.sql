-- ?1 rows {day, tenant, accepted, duplicate, unmatched, routed, delivered, dead, cancelled}.
-- (PostgreSQL: summed up here; expire_dead_letters counts dead ones by itself.)
INSERT INTO ringback_ledger_past (day, tenant, accepted, duplicate, unmatched, routed, delivered, dead, cancelled)
SELECT value ->> 'day',
       value ->> 'tenant',
       value ->> 'accepted',
       value ->> 'duplicate',
       value ->> 'unmatched',
       value ->> 'routed',
       value ->> 'delivered',
       value ->> 'dead',
       value ->> 'cancelled'
FROM jsonb_each(?1)
WHERE true
ON CONFLICT (day, tenant) DO UPDATE
SET accepted = accepted + excluded.accepted,
    duplicate = duplicate + excluded.duplicate,
    unmatched = unmatched + excluded.unmatched,
    routed = routed + excluded.routed,
    delivered = delivered + excluded.delivered,
    dead = dead + excluded.dead,
    cancelled = cancelled + excluded.cancelled
