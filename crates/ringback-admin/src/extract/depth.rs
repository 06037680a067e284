//! The depth of a JSON text. A payload is never parsed into values here, but receivers parse it, and many of their parsers
//! recurse.

/// Deepest nesting of a payload.
pub(crate) const DEPTH_MAX: usize = 128;

/// Whether a JSON text, known to be one, is nested at most [`DEPTH_MAX`] deep.
pub(super) fn is_shallow(text: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_where_they_nest() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_shallow(nested(DEPTH_MAX).as_bytes()));
        assert!(!is_shallow(nested(DEPTH_MAX + 1).as_bytes()));
        assert!(is_shallow(format!("[{}]", vec!["{}"; 500].join(",")).as_bytes()), "side by side is not deep");
        assert!(is_shallow(format!("\"\\\"{}\"", "[".repeat(500)).as_bytes()), "a string holds no nesting");
    }
}
