//! The terminal's second screen, on which nothing is left behind.

use crate::print;

/// To the second screen; without a cursor, and without breaking lines that are too long.
const OPEN: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";

/// Back to the first one, as it was.
const CLOSE: &[u8] = b"\x1b[?7h\x1b[?25h\x1b[?1049l";

/// The second screen until it is dropped.
pub(super) struct Screen(());

impl Screen {
    pub(super) fn open() -> Self {
        print::raw(OPEN);
        Self(())
    }

    /// Draws the lines over whatever is there, in one write, so that nothing flickers.
    pub(super) fn show(&self, lines: &[String]) {
        let lines: String = lines.iter().map(|line| format!("{line}\x1b[K\n")).collect();
        print::raw(format!("\x1b[H{lines}\x1b[J").as_bytes());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        print::raw(CLOSE);
    }
}
