-- Holds of these lanes that have not ended. (SQLite: joined in the statements that list deliveries.)
SELECT lane, until, reason FROM {schema}.hold WHERE lane = ANY ($1::bigint[]) AND until > {schema}.clock()
