-- What a replay's filter asks of the event `e` and of where `d` goes: ?3 tenant, ?4 type, ?5 key, ?6 endpoint, ?7 host,
-- ?8 that host's endpoints. Of an inline destination only the text is looked for.
(?3 IS NULL OR e.tenant = ?3)
  AND (?4 IS NULL OR e.type = ?4)
  AND (?5 IS NULL OR e.key = ?5)
  AND (?6 IS NULL OR d.endpoint_id = ?6)
  AND (?7 IS NULL
       OR d.endpoint_id IN (SELECT unhex(value) FROM json_each(?8))
       OR (d.endpoint_id IS NULL AND instr(lower(e.destination), lower(?7)) > 0))
