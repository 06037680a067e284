-- ?1 an empty file. It reads at one moment and keeps nobody from writing.
VACUUM INTO ?1
