//! Standard output, for results only. A reader that has gone away (`… | head`) ends the program quietly.

use std::io::{ErrorKind, Write as _, stdout};

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
