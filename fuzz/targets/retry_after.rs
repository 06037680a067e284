//! Whatever a receiver writes, it is left alone for a day at most, and for as long as it says in plain seconds.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ringback::{fuzzing::asked_for, time::Timestamp};

const DAY: Duration = Duration::from_secs(86_400);

// The first line is `Date`, the others are `Retry-After`.
fuzz_target!(|text: &str| {
    let (date, values) = text.split_once('\n').unwrap_or(("", text));
    let mut headers = vec![("Date".to_owned(), date.to_owned())];
    let mut least = Duration::ZERO;
    for value in values.split('\n') {
        headers.push(("Retry-After".to_owned(), value.to_owned()));
        let is_plain = (1..=18).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain {
            let seconds = Duration::from_secs(value.parse().expect("digits"));
            least = least.max(seconds.min(DAY));
        }
    }
    let asked = asked_for(&headers, Timestamp::from_millis(1_700_000_000_000));
    assert!(asked.unwrap_or_default() <= DAY);
    assert!(asked.unwrap_or_default() >= least);
});
