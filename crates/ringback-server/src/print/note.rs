//! Standard error, for messages that are no results. A closed standard error is ignored: `eprintln!` would panic then, and
//! end a server at its next warning.

use std::io::{Write as _, stderr};

/// Writes one line.
pub(crate) fn note(text: impl std::fmt::Display) {
    again(format_args!("{text}\n"));
}

/// Writes a text as it is, for what is written over again on the same line.
pub(crate) fn again(text: impl std::fmt::Display) {
    // In one write, so that lines of several threads do not mix.
    let _ = stderr().lock().write_all(text.to_string().as_bytes());
}
