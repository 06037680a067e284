-- After cancel_endpoint. ?1 the lane, ?2 the endpoint. (PostgreSQL: in cancel_endpoint.)
DELETE FROM ringback_delivery
WHERE lane = ?1
  AND endpoint_id = ?2
