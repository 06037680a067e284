//! The value at a pointer is the one that serde_json finds in the whole document, cut out of the payload's own text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::fuzzing::value_at;
use serde_json::Value;

// The pointer is the first line, the payload the rest.
fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return };
    let (Ok(pointer), payload) = (std::str::from_utf8(&input[..end]), &input[end + 1..]) else { return };
    let Some(found) = value_at(pointer, payload) else {
        assert!(!pointer.starts_with('/') || pointer.contains('~'));
        return;
    };
    if let Some(text) = &found {
        assert!(text.len() <= payload.len());
    }
    // Deeper than it reads, or with half a surrogate pair, which it refuses.
    let Ok(document) = serde_json::from_slice::<Value>(payload) else { return };
    match (document.pointer(pointer), found) {
        (None, None) => {}
        (Some(Value::String(text)), Some(found)) => assert_eq!(*text, found),
        (Some(value), Some(found)) => {
            assert_eq!(serde_json::from_str::<Value>(&found).expect("a value's own text"), *value);
        }
        (expected, found) => panic!("{expected:?} and not {found:?}"),
    }
});
