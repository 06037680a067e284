-- ?1 an empty file. The copy is of one snapshot, and others can write meanwhile.
-- (PostgreSQL: its own programs make copies.)
VACUUM INTO ?1
