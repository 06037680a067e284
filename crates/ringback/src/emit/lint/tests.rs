//! Payloads of voice platforms, and everything that JavaScript changes.

use proptest::prelude::*;

use super::*;

fn codes(payload: &str) -> Vec<(&'static str, String)> {
    lint_payload(payload.as_bytes()).into_iter().map(|warning| (warning.code, warning.pointer)).collect()
}

fn change_at(payload: &str) -> Option<String> {
    let found = codes(payload).into_iter().find(|(code, _)| *code == "body_not_js_stable");
    found.map(|(_, pointer)| pointer)
}

#[test]
fn a_plain_compact_payload_is_silent() {
    let payload = r#"{"event":"CALL_ENDED","timestamp":"2025-01-15T10:30:00Z","data":{"session_id":"x","minutes":3.5,
"recording_url":"https://example.com/r.wav","cost":0.05,"notes":[1,2,{"a":null}],"text":"héllo \"x\"\n"}}"#
        .replace(",\n", ",");
    assert_eq!(codes(&payload), []);
    // Neither a blank nor a line break by itself is worth a warning.
    let spaced = ["{\"a\": 1}", "{\"a\":1}\n", " 1", "[ ]", "{\n  \"a\": [1, 2]\n}\n"];
    for payload in ["{}", "[]", "0", "\"\"", "null", "true", "[[],{}]", "-1.5"].into_iter().chain(spaced) {
        assert_eq!(codes(payload), [], "{payload}");
    }
}

#[test]
fn everything_that_javascript_rewrites_is_found_where_it_stands() {
    for (payload, pointer) in [
        (r#"{"data":{"duration_minutes":3.0}}"#, "/data/duration_minutes"),
        (r#"{"a":[1,1e3]}"#, "/a/1"),
        (r#"{"id":9007199254740993}"#, "/id"),
        (r#"{"a":"\u00e9"}"#, "/a"),
        (r#"{"a":"https:\/\/x"}"#, "/a"),
        (r#"{"\u0061":1}"#, "/a"),
        (r#"{"a": 1.0}"#, "/a"),
        ("{\"a\":1e3}\n", "/a"),
        (r#"{"a":1,"b":{"x":1,"y":2,"x":3}}"#, "/b/x"),
        (r#"{"b":1,"1":2}"#, "/1"),
        (r#"{"2":1,"1":2}"#, "/1"),
        (r#"{"a/b":{"~":-0}}"#, "/a~1b/~0"),
    ] {
        assert_eq!(change_at(payload).as_deref(), Some(pointer), "{payload}");
    }
}

#[test]
fn names_that_only_resemble_indexes_keep_their_place() {
    for payload in [
        r#"{"0":1,"1":2,"10":3,"a":4,"01":5,"-1":6,"4294967295":7,"1.5":8,"":9,"+1":10}"#,
        r#"{"4294967294":1,"a":2}"#,
        r#"{"a":1,"A":2,"__proto__":3}"#,
    ] {
        assert_eq!(change_at(payload), None, "{payload}");
    }
}

#[test]
fn url_fields_must_hold_urls() {
    for (payload, pointer) in [
        (r#"{"data":{"recordingUrl":"www.example.com/r.wav"}}"#, "/data/recordingUrl"),
        (r#"{"url":""}"#, "/url"),
        (r#"{"recording_url":"ftp://example.com/"}"#, "/recording_url"),
        (r#"{"a":[{"callback_URL":"https://"}]}"#, "/a/0/callback_URL"),
    ] {
        assert_eq!(codes(payload), [("url_field_not_a_url", pointer.to_owned())], "{payload}");
    }
    for payload in [
        r#"{"url":"HTTPS://example.com","recording_url":null,"b_url":5,"urls":"x","url_text":"x","c_url":["x"]}"#,
        r#"{"url":{"url":"http://localhost:1/"}}"#,
    ] {
        assert_eq!(codes(payload), [], "{payload}");
    }
    let escaped = codes(r#"{"url":"https:\/\/example.com"}"#);
    assert_eq!(escaped, [("body_not_js_stable", "/url".to_owned())]);
}

#[test]
fn one_warning_of_each_code_is_enough() {
    let payload = r#"{"a_url":"x","b_url":"y","n":1.0,"m":2.0}"#;
    assert_eq!(codes(payload), [("body_not_js_stable", "/n".to_owned()), ("url_field_not_a_url", "/a_url".to_owned())]);
}

#[test]
fn what_is_not_json_is_left_alone() {
    for payload in [
        "",
        " ",
        "{",
        "{\"url\":\"x\"",
        "{\"a\":1.0,}",
        "[1.0,]",
        "{'a':1.0}",
        "1.0 2",
        "{\"a\" 1.0}",
        "[1.0}",
        "01.0",
        "1.",
        "-",
        "1.0e",
        "nul",
        "\u{feff}1.0",
        "{1.0:2}",
        "\"\\x\"",
        "[1.0\u{b}]",
    ] {
        assert_eq!(codes(payload), [], "{payload:?}");
    }
    assert_eq!(lint_payload(b"{\"a\":1.0,\"b\":\"\xff\"}"), []);
}

#[test]
fn a_hostile_depth_is_given_up() {
    assert_eq!(codes(&format!("{}1.0{}", "[".repeat(1_024), "]".repeat(1_024))).len(), 1);
    assert_eq!(codes(&"[".repeat(1_000_000)), []);
    assert_eq!(codes(&format!("{}1.0{}", "[".repeat(500_000), "]".repeat(500_000))), []);
}

fn compact() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[ a-zé\\\\\"\n]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map("[a-z]{1,4}x", inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn compact_json_is_stable_and_pretty_json_as_well(value in compact()) {
        prop_assert_eq!(change_at(&value.to_string()), None);
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(change_at(&pretty), None);
    }

    #[test]
    fn it_reads_as_json_exactly_what_the_parser_does(text in "[\\[\\]{}:,\"a1.eE+\\-0\\\\u ntrfl]{0,24}") {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(walk::walk(&text).is_some(), is_json);
    }

    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = lint_payload(&bytes);
    }
}
