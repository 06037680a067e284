-- A dead letter `d` with its event `e`, as a delivery.
d.id AS delivery_id, d.endpoint_id, d.lane, d.marks, {status.dead}::smallint AS status, d.reason, d.attempts,
       NULL::bigint AS due_at, d.died_at AS finished_at, d.last_status, d.last_error, d.detail, e.*
