-- What a replay's filter asks of the event `e` and of where `d` goes: $3 tenant, $4 endpoint, $5 type, $6 key, $7 host
-- and $8 its endpoints. Of an inline destination only the text is looked for.
($3::text IS NULL OR e.tenant = $3)
  AND ($4::uuid IS NULL OR d.endpoint_id = $4)
  AND ($5::text IS NULL OR e.type = $5)
  AND ($6::text IS NULL OR e.key = $6)
  AND ($7::text IS NULL OR d.endpoint_id = ANY ($8::uuid[])
       OR (d.endpoint_id IS NULL AND position(lower($7) IN lower(e.destination)) > 0))
