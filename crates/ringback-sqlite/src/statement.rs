//! Every statement is a file in `sql/`, in a folder for its subject; folder and name, verb and object, are those of
//! PostgreSQL's store where it has the same.
//!
//! A batch is one JSON array for `json_each`, SQLite's counterpart of `unnest`; `jsonb_each` where its entries are
//! objects, because it hands them on parsed. Times, ids and counts are arguments, never text put together.

/// The text of `sql/<folder>/<name>.sql`, with the parts and the numbers of the words that it names; with a condition that lets
/// an index find what is asked for, where the statement says `{narrowed}`.
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
        /// What several statements have in common, by its name.
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
    is_first_in_order
    is_listed
    nothing_blocks
    replay_columns
    token_columns
}

pub(crate) fn render(text: &str, narrowed: &str) -> String {
    ringback::store::codes::put_in(&text.replace("{narrowed}", narrowed), PARTS, &[])
}
