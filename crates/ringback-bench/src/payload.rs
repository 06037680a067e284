//! The payloads of benchmark events: JSON that carries a number and the moment of its emit at fixed places, so that
//! the receiver reads both without parsing, and a text that compresses as little or as well as talk does.

use std::fmt::Write as _;

use crate::measure::clock;

/// `{"n":"0000000000","emitted_ns":"0000000000000000000","text":"`: as many digits as a `u32` and a `u64` of
/// nanoseconds since the machine's start can need.
const NUMBER: std::ops::Range<usize> = 6..16;
const MOMENT: std::ops::Range<usize> = 32..51;

/// Bytes around the text.
pub(crate) const AROUND: usize = 63;

/// The text from which payloads take theirs begins anew after this many characters.
pub(crate) const PERIOD: usize = 32_768;

/// How far the text of one event is from the next one's, so that neighbours in a page differ.
pub(crate) const STEP: usize = 37;

/// The text for payloads of up to `bytes`: made-up words, different in each place, the same in every run.
pub(crate) fn talk(bytes: usize) -> String {
    const SYLLABLES: [&str; 32] = [
        "ka", "lo", "mi", "ren", "to", "sa", "vel", "du", "ne", "par", "gi", "os", "tam", "bel", "ru", "fi", "cor",
        "an", "li", "het", "mo", "sul", "pe", "dra", "in", "yo", "ber", "qua", "wen", "ti", "za", "ul",
    ];
    let wanted = PERIOD + bytes;
    let mut text = String::with_capacity(wanted + 16);
    // Numerical Recipes' linear congruential generator: talk has to be neither random nor secret.
    let mut state = 1_u32;
    while text.len() < wanted {
        for _ in 0..=(state >> 30) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(SYLLABLES[(state >> 27) as usize]);
        }
        text.push(' ');
    }
    text
}

/// A payload of `bytes` (at least [`AROUND`]), emitted now.
pub(crate) fn emitted_now(talk: &str, number: u64, bytes: usize) -> String {
    emitted_at(talk, number, bytes, clock::monotonic_ns())
}

/// A payload that says it was emitted at `moment`.
pub(crate) fn emitted_at(talk: &str, number: u64, bytes: usize, moment: u64) -> String {
    let mut payload = String::with_capacity(bytes);
    // Writing to a string cannot fail.
    let _ = write!(payload, r#"{{"n":"{number:010}","emitted_ns":"{moment:019}","text":""#);
    let from = usize::try_from(number).unwrap_or(0).wrapping_mul(STEP) % PERIOD;
    let length = bytes.saturating_sub(AROUND).min(talk.len() - from);
    payload.push_str(&talk[from..from + length]);
    payload.push_str("\"}");
    payload
}

/// The number and the moment of emit of the payload that begins with `bytes`; 0 stands for a moment that is not told.
pub(crate) fn read(bytes: &[u8]) -> Option<(u64, u64)> {
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range)?.iter().try_fold(0_u64, |value, byte| {
            byte.is_ascii_digit().then(|| value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')))
        })
    };
    Some((digits(NUMBER)?, digits(MOMENT)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let talk = talk(2_048);
        for number in [0, 1, 999, 4_294_967_295] {
            let payload = emitted_at(&talk, number, 2_048, 123_456_789_012_345_678);
            assert_eq!(read(payload.as_bytes()), Some((number, 123_456_789_012_345_678)));
            assert_eq!(payload.len(), 2_048);
            let parsed: serde_json::Value = serde_json::from_str(&payload).unwrap();
            assert_eq!(parsed["n"], format!("{number:010}"));
        }
        assert_eq!(read(b"{}"), None);
    }
}
