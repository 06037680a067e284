-- A write of no consequence, to see that there can be one. (SQLite: the time is an argument.)
INSERT INTO {schema}.setting (name, value) VALUES ('probe', convert_to({schema}.clock()::text, 'UTF8'))
ON CONFLICT (name) DO UPDATE SET value = excluded.value
