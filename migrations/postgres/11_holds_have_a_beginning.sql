-- Since when a lane has been held without a break: what it is held for may go on and on, hold after hold.
ALTER TABLE {schema}.hold ADD COLUMN since bigint NOT NULL DEFAULT 0;
UPDATE {schema}.hold SET since = {schema}.clock();
ALTER TABLE {schema}.hold ALTER COLUMN since DROP DEFAULT;
