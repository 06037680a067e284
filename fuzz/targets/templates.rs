//! A template prints as the text that reads back as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::fuzzing::{Kind, template};

fuzz_target!(|text: &str| {
    for kind in [Kind::Message, Kind::SchemeHeader, Kind::Header] {
        let doubled = text.replace('{', "{{").replace('}', "}}");
        assert_eq!(template(kind, &doubled).as_deref(), Some(doubled.as_str()), "braces that are doubled stand for themselves");
        if let Some(printed) = template(kind, text) {
            assert_eq!(printed, text, "every text has one reading");
            assert_eq!(template(kind, &printed), Some(printed));
        }
    }
});
