-- A dead letter may be `refused` (5): the endpoint lists the answer's status in `permanent_statuses`.
ALTER TABLE {schema}.dead_letter
    DROP CONSTRAINT dead_letter_has_a_known_reason,
    ADD CONSTRAINT dead_letter_has_a_known_reason CHECK (reason BETWEEN 1 AND 5);
