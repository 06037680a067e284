-- A delivery `d`, from any of its tables, with its event `e`.
d.id AS delivery_id, d.endpoint_id, d.lane, d.marks, d.status, d.reason, d.attempts,
       d.due_at, d.finished_at, d.last_status, d.last_error, d.detail, e.*
