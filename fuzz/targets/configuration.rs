//! A configuration file is understood, the same each time, or every finding says of what file it speaks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback_server::fuzzing::configuration;

fuzz_target!(|text: &str| {
    let read = configuration(text);
    match &read {
        Ok(_) => {}
        Err(findings) => {
            assert!(!findings.is_empty());
            for finding in findings {
                assert!(finding.contains("ringback.toml"), "{finding}");
            }
        }
    }
    assert_eq!(configuration(text), read);
});
