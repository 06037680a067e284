//! Standard error, for what is said beside a result. Whether anybody reads it makes no difference: `eprintln!` would end
//! the program when nobody does, a server at its next warning included.

use std::io::{Write as _, stderr};

/// Writes one line.
pub(crate) fn note(text: impl std::fmt::Display) {
    again(format_args!("{text}\n"));
}

/// Writes a text as it is, for what is written over again on the same line.
pub(crate) fn again(text: impl std::fmt::Display) {
    // At once, so that lines of several threads stay whole.
    let _ = stderr().lock().write_all(text.to_string().as_bytes());
}
