-- What an endpoint's filter was at each version, to answer "why not" later. Versions from before filters have none.
ALTER TABLE ringback_endpoint_version ADD COLUMN filter TEXT;
