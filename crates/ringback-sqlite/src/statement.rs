//! Every statement is a file in `sql/`, in a folder for its subject; folder and name, verb and object, are those of
//! PostgreSQL's store where it has the same.
//!
//! A batch is one JSON array for `json_each`, SQLite's counterpart of `unnest`; `jsonb_each` where its entries are
//! objects, because it hands them on parsed. Times, ids and counts are arguments, never text put together.

/// The text of `sql/<folder>/<name>.sql`, with the numbers of the words that it names.
macro_rules! sql {
    ($name:literal) => {{
        static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
            let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $name, ".sql"));
            ringback::store::codes::put_in(text, &[])
        });
        TEXT.as_str()
    }};
}
