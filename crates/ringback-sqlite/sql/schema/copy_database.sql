-- ?1 an empty file. The copy is of one snapshot, and others can write meanwhile.
VACUUM INTO ?1
