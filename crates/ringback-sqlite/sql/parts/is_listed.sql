-- What lists of deliveries ask of the event `e` and of where `d` goes: ?6 tenant, ?7 type, ?8 key, ?9 endpoint, ?12
-- host, ?13 that host's endpoints.
(?6 IS NULL OR e.tenant = ?6)
  AND (?7 IS NULL OR e.type = ?7)
  AND (?8 IS NULL OR e.key = ?8)
  AND (?9 IS NULL OR d.endpoint_id = ?9)
  AND (
      ?12 IS NULL
      OR d.endpoint_id IN (SELECT unhex(value) FROM json_each(?13))
      OR d.endpoint_id IS NULL AND instr(lower(iif(json_valid(e.destination), e.destination ->> 'url', NULL)), ?12)
  )
