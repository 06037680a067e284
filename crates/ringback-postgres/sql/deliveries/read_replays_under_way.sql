-- Replays of these delivered ones that are under way. (SQLite: joined in the statements that list deliveries.)
SELECT id, due_at, attempts FROM {schema}.delivery WHERE id = ANY ($1::uuid[]) AND marks & {marks.delivered_before} <> 0
