-- What is known of the receiver of the endpoint ?1. (PostgreSQL: in remove_figures.)
DELETE FROM ringback_pulse WHERE endpoint_id = ?1
