-- Expunging many events at once, with a receipt that stays.

CREATE TABLE {schema}.expunge (
    id            uuid     NOT NULL PRIMARY KEY,
    tenant        text     NOT NULL,
    state         smallint NOT NULL,
    filter        text     NOT NULL,
    erases_keys   boolean  NOT NULL,
    matched       bigint   NOT NULL,
    bytes         bigint   NOT NULL,
    expunged      bigint   NOT NULL DEFAULT 0,
    skipped       bigint   NOT NULL DEFAULT 0,
    payload_bytes bigint   NOT NULL DEFAULT 0,
    cancelled     bigint   NOT NULL DEFAULT 0,
    attempts      bigint   NOT NULL DEFAULT 0,
    position      uuid     NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    digest        text,
    who           text     NOT NULL,
    created_at    bigint   NOT NULL,
    finished_at   bigint,
    CONSTRAINT expunge_has_a_known_state CHECK (state IN (1, 2)),
    CONSTRAINT expunge_ends_with_a_receipt CHECK ((state = 2) = (finished_at IS NOT NULL AND digest IS NOT NULL)),
    CONSTRAINT expunge_looks_at_each_once CHECK (expunged + skipped <= matched)
);

CREATE INDEX expunge_running ON {schema}.expunge (id) WHERE state = 1;

COMMENT ON TABLE {schema}.expunge IS 'Expunges of many events. Rows are receipts: they are never removed.';
COMMENT ON COLUMN {schema}.expunge.state IS '1 running, 2 completed';
COMMENT ON COLUMN {schema}.expunge.filter IS 'As it is shown (JSON): a key that was to be erased is not in it.';
COMMENT ON COLUMN {schema}.expunge.position IS 'The last event looked at; they are erased in order.';
COMMENT ON COLUMN {schema}.expunge.digest IS 'SHA-256 over the printed ids, in order, each with a line feed.';

-- The fixed set that the filter of an expunge found; removed once the receipt is written.
CREATE TABLE {schema}.expunge_item (
    expunge_id uuid NOT NULL,
    event_id   uuid NOT NULL,
    PRIMARY KEY (expunge_id, event_id)
);

REVOKE ALL ON {schema}.expunge, {schema}.expunge_item FROM PUBLIC;
