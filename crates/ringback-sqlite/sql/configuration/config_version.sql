-- The version that is committed, or that this transaction has raised.
SELECT version FROM ringback_config
