-- How often a node has renewed its lease: where the count is lower than the node knows it to be, the database is another
-- than the one that was written to.
ALTER TABLE {schema}.node ADD COLUMN renewals bigint NOT NULL DEFAULT 0;
