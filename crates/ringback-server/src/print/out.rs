//! Where what is printed goes. Standard output is for results only: a reader that has gone away (`… | head`) ends the program
//! quietly. Standard error is for messages that are no results; if it is closed that is ignored, because `eprintln!` would
//! panic then, and end a server at its next warning.

use std::io::{ErrorKind, Write as _, stderr, stdout};

/// Writes one line.
pub(crate) fn line(text: impl std::fmt::Display) {
    raw(format!("{text}\n").as_bytes());
}

/// Writes bytes as they are.
pub(crate) fn raw(bytes: &[u8]) {
    let mut out = stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        let status = if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 };
        std::process::exit(status);
    }
}

/// Writes one line to standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    again(format_args!("{text}\n"));
}

/// Writes a text to standard error as it is, for what is written over again on the same line.
pub(crate) fn again(text: impl std::fmt::Display) {
    // In one write, so that lines of several threads do not mix.
    let _ = stderr().lock().write_all(text.to_string().as_bytes());
}
