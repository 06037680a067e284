//! Makes foreign text harmless for a terminal.

/// The text with control characters made visible: they could move the cursor or overwrite earlier lines.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether bytes would do more on a terminal than show text: they are no text, or hold more control characters than those
/// that begin a line or a column.
pub(crate) fn disturbs_terminal(bytes: &[u8]) -> bool {
    let disturbs = |c| is_harmful(c) && !matches!(c, '\n' | '\r' | '\t');
    str::from_utf8(bytes).map_or(true, |text| text.contains(disturbs))
}

/// Control characters, and the marks that change the direction of what follows.
fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{202e}"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(plain("Grüße, नमस्ते"), "Grüße, नमस्ते");
    }

    #[test]
    fn text_with_its_lines_disturbs_no_terminal_and_anything_else_does() {
        assert!(!disturbs_terminal("{\"a\":\r\n\t\"Grüße\"}".as_bytes()));
        for disturbing in [&b"\xff\xfe"[..], b"a\x1b[2J", b"\0", "\u{202e}".as_bytes(), "\u{9b}".as_bytes()] {
            assert!(disturbs_terminal(disturbing), "{disturbing:?}");
        }
    }
}
