//! No text but a cursor that was made opens, and that one leads to its place.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ringback::{
    id::EventId,
    seal::MasterKeys,
    time::Timestamp,
};
use ringback_admin::fuzzing::{cursor_to, place_of};

static KEYS: LazyLock<MasterKeys> = LazyLock::new(|| MasterKeys::parse(&"07".repeat(32), &[]).expect("a key"));

fuzz_target!(|input: &[u8]| {
    if let Ok(query) = std::str::from_utf8(input) {
        assert_eq!(place_of(query, &KEYS), None);
        assert_eq!(place_of(&format!("cursor={query}"), &KEYS), None);
    }
    let Some((micros, rest)) = input.split_first_chunk::<8>() else { return };
    let number = u16::from_be_bytes([rest.first().copied().unwrap_or(0), 1]);
    let place = (Timestamp::from_micros(i64::from_be_bytes(*micros)), EventId::floor(Timestamp::from_millis(1)).delivery(number));
    let cursor = cursor_to(&place, &KEYS);
    assert_eq!(place_of(&format!("cursor={cursor}"), &KEYS), Some(place));
    // One character is another.
    if let Some((&at, &to)) = rest.first().zip(rest.get(1)) {
        let mut wrong = cursor.clone().into_bytes();
        let at = usize::from(at) % wrong.len();
        wrong[at] = to;
        if let Ok(wrong) = String::from_utf8(wrong)
            && wrong != cursor
        {
            assert_eq!(place_of(&format!("cursor={wrong}"), &KEYS), None);
        }
    }
});
