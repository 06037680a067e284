//! Only JSON is warned of, and what is not warned of is written again as it was, as a JavaScript program would.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::emit::lint_payload;
use serde_json::{Value, value::RawValue};

fuzz_target!(|payload: &[u8]| {
    let warnings = lint_payload(payload);
    if !warnings.is_empty() {
        serde_json::from_slice::<&RawValue>(payload).expect("what is warned of is JSON");
    }
    for warning in &warnings {
        assert!(warning.pointer.is_empty() || warning.pointer.starts_with('/'));
    }
    if warnings.iter().any(|warning| warning.code == "body_not_js_stable") {
        return;
    }
    // Deeper than it reads, or with half a surrogate pair.
    let Ok(document) = serde_json::from_slice::<Value>(payload) else { return };
    // Rust and JavaScript write fractions in different ways.
    if !has_fraction(&document) {
        let written = serde_json::to_string(&document).expect("it was read");
        assert_eq!(written.as_bytes(), without_space(payload));
    }
});

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}

/// JSON without the white space between its values.
fn without_space(text: &[u8]) -> Vec<u8> {
    let (mut inside, mut escaped) = (false, false);
    let keep = |&byte: &u8| {
        let is_space = !inside && matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        inside ^= byte == b'"' && !escaped;
        escaped = inside && byte == b'\\' && !escaped;
        !is_space
    };
    text.iter().copied().filter(keep).collect()
}
