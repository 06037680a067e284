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

macro_rules! parts {
    ($($name:ident)+) => {
        /// Texts that several statements share, by their names.
        const PARTS: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!("../sql/parts/", stringify!($name), ".sql")))),+];
    };
}

parts! {
    dead_letter_columns
    due_columns
    endpoint_columns
    event_columns
    event_of_delivery
    fits_replay
    is_first_in_order
    is_of_metadata
    is_listed
    is_over
    link_columns
    nothing_blocks
    past_sums
    replay_columns
    token_columns
}

pub(crate) fn render(text: &str, narrowed: &str) -> String {
    ringback::store::codes::put_in(&text.replace("{narrowed}", narrowed), PARTS, &[])
}
