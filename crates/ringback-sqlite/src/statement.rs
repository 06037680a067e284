//! Every statement is a file in `sql/`, in a folder for its subject. If PostgreSQL's store has the same statement, folder
//! and name (verb and object) are the same there.
//!
//! A batch is one JSON array for `json_each`, SQLite's counterpart of `unnest`; for arrays of objects `jsonb_each` is used,
//! which returns them parsed. Times, ids and counts are arguments, never put into the text.

/// The text of `sql/<folder>/<name>.sql`, with parts and numbers in place of their names. A second argument is a condition
/// that replaces `{narrowed}`, so that an index can find the rows.
macro_rules! sql {
    ($name:literal) => {
        sql!($name, "")
    };
    ($name:literal, $narrowed:literal) => {{
        static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
            let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $name, ".sql"));
            crate::statement::render(text, $narrowed)
        });
        TEXT.as_str()
    }};
}

/// Texts that several statements share.
const PARTS: [(&str, &str); 6] = [
    ("event_columns", include_str!("../sql/parts/event_columns.sql")),
    ("event_of_delivery", include_str!("../sql/parts/event_of_delivery.sql")),
    ("dead_letter_columns", include_str!("../sql/parts/dead_letter_columns.sql")),
    ("is_listed", include_str!("../sql/parts/is_listed.sql")),
    ("endpoint_columns", include_str!("../sql/parts/endpoint_columns.sql")),
    ("token_columns", include_str!("../sql/parts/token_columns.sql")),
];

pub(crate) fn render(text: &str, narrowed: &str) -> String {
    ringback::store::codes::put_in(&text.replace("{narrowed}", narrowed), &PARTS, &[])
}
