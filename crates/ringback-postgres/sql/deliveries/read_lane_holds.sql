-- Holds of these lanes that have not ended.
SELECT lane, until, reason FROM {schema}.hold WHERE lane = ANY ($1::bigint[]) AND until > {schema}.clock()
