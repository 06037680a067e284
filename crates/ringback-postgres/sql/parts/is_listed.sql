-- What lists of deliveries ask of the event `e` and of where `d` goes: $5 tenant, $6 type, $7 key, $8 host and $9 its
-- endpoints.
($5::text IS NULL OR e.tenant = $5)
  AND ($6::text IS NULL OR e.type = $6)
  AND ($7::text IS NULL OR e.key = $7)
  AND ($8::text IS NULL OR d.endpoint_id = ANY ($9::uuid[])
       OR (d.endpoint_id IS NULL AND position(lower($8) IN lower(e.destination)) > 0))
