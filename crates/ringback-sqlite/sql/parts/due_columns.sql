-- A due delivery `d`.
d.id,
       d.lane,
       d.endpoint_id,
       d.due_at,
       d.seq,
       d.attempts,
       d.attempts_at_refill,
       d.marks,
       d.ordering_key
