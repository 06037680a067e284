//! Texts that others chose, with invisible characters made visible.
//!
//! Escaping keeps a text from becoming markup; this keeps it from looking like another: controls, line separators,
//! zero-width characters and those that reverse the direction of writing are shown by their numbers.

use std::fmt::Write as _;

/// The text as people may safely read it on one line.
pub(super) fn visible(text: &str) -> String {
    shown(text, |_| false)
}

/// The same, with its line ends and tabs left alone.
pub(super) fn visible_lines(text: &str) -> String {
    shown(text, |c| c == '\n' || c == '\t').replace("\\u{d}\n", "\n")
}

fn shown(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if !kept(c) && is_deceptive(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Unicode's general categories Cc and Cf as far as they matter, Zl and Zp, and the fillers that take no ink.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_by_its_number() {
        assert_eq!(visible("call-1 \u{202e}gnp.exe"), "call-1 \\u{202e}gnp.exe");
        assert_eq!(visible("a\u{2028}b\u{0}\n"), "a\\u{2028}b\\u{0}\\u{a}");
        assert_eq!(visible("Grüße, 日本語 <b>"), "Grüße, 日本語 <b>");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(visible_lines("a\r\n\tb\u{1b}[31m"), "a\n\tb\\u{1b}[31m");
    }
}
