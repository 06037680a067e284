use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn said(filter: &str, payload: &Json) -> Result<bool, Failed> {
    said_of_bytes(filter, payload.to_string().as_bytes())
}

fn said_of_bytes(filter: &str, payload: &[u8]) -> Result<bool, Failed> {
    let filter = Filter::parse(filter).unwrap_or_else(|wrong| panic!("{filter}: {wrong}"));
    filter.judge(&Facts::new("call.ended", Some("call-1"), "acme", Some(payload)))
}

fn payload() -> Json {
    json!({
        "status": "failed", "cost": 3.0, "duration": 330, "big": u64::MAX, "none": null, "yes": true,
        "tags": ["vip", "é"], "legs": [{"to": "+49 1", "n": 1}, {"to": "+44 2", "n": 2}], "caller": {"name": "Zoë", "a-b": 1},
    })
}

#[test]
fn conditions_mean_what_the_language_says() {
    for (filter, wanted) in [
        ("type == 'call.ended' && tenant == \"acme\" && key == 'call-1'", true),
        ("payload.status in ['failed', 'no_answer']", true),
        ("payload.duration > 60 && payload.duration <= 330.0", true),
        ("payload.cost == 3 && payload.cost < 3.5 && payload.cost >= 3u", true),
        ("payload.big > 9223372036854775807", true),
        ("payload.none == null && payload.yes", true),
        ("has(payload.caller.name) && !has(payload.caller.age)", true),
        ("payload.caller.name.startsWith('Zo') && payload.caller.name.size() == 3", true),
        ("size(payload.tags) == 2 && 'vip' in payload.tags && !('VIP' in payload.tags)", true),
        ("payload.caller['a-b'] == 1 && 'name' in payload.caller", true),
        ("payload.tags[1] == 'é' && payload.legs[0].to.contains('49')", true),
        ("payload.legs.exists(leg, leg.to.startsWith('+44'))", true),
        ("payload.legs.all(leg, leg.n > 0) && payload.legs.exists_one(leg, leg.n == 2)", true),
        ("payload.legs.map(leg, leg.n) == [1, 2]", true),
        ("payload.legs.filter(leg, leg.n > 1).size() == 1", true),
        ("payload.legs.map(leg, leg.n > 1, leg.to) == ['+44 2']", true),
        ("payload.legs.all(a, payload.legs.exists(b, a.n == b.n))", true),
        ("payload.caller.exists(name, name == 'name')", true),
        ("payload.legs[1].to.matches('^[+]44 [0-9]$')", true),
        ("payload.status == 'failed' ? payload.cost > 5 : payload.cost > 1", false),
        ("payload.duration / 60 == 5 && payload.duration % 60 == 30 && -payload.duration < 0", true),
        ("payload.duration * 2 - 1 + 1 == 660 && payload.cost * 2.0 == 6.0", true),
        ("string(payload.duration) + 's' == '330s' && int('7') == 7 && double(payload.duration) == 330.0", true),
        ("{'a': [1, 2.0]} == {'a': [1.0, 2]} && [] + [1] == [1]", true),
        ("payload.caller == {'a-b': 1, 'name': 'Zoë'}", true),
        ("dyn(payload.status) == 1", false),
        ("payload.missing == 1 || true", true),
        ("payload.missing == 1 && false", false),
        ("payload.legs.exists(leg, leg.missing == 1 || leg.n == 2)", true),
        ("'a' < 'b' && false < true && 1 != 2", true),
    ] {
        assert_eq!(said(filter, &payload()), Ok(wanted), "{filter}");
    }
}

#[test]
fn what_has_no_value_says_so() {
    for (filter, why) in [
        ("payload.missing == 1", "there is no missing"),
        ("payload.caller.age > 1", "there is no age"),
        ("payload.status > 1", "no order"),
        ("payload.status + 1 == 2", "+ is not for a string and a int"),
        ("payload.duration / 0 == 1", "divides by zero"),
        ("9223372036854775807 + payload.duration > 0", "beyond"),
        ("payload.tags[2] == ''", "nothing at this index"),
        ("payload.status", "comes to a string"),
        ("payload.status.name == 1", "a string has no field name"),
        ("payload.cost.exists(a, true)", "no elements"),
        ("payload.status && true", "stands where true or false is meant"),
        ("int('x') == 1", "int is not for this string"),
        ("size(payload.cost) == 1", "size is not for a double"),
    ] {
        let failed = said(filter, &payload()).unwrap_err().to_string();
        assert!(failed.contains(why), "{filter}: {failed}");
    }
    for bytes in [&b"\xff"[..], b"{", br#"{"n":1e400}"#, br#"{"s":"\ud800"}"#] {
        assert_eq!(said_of_bytes("payload.n == 1", bytes), Err(Failed::Unreadable));
        assert_eq!(said_of_bytes("type == 'call.ended'", bytes), Ok(true), "which asks for no payload");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (filter, why, place) in [
        ("", "", None),
        ("type ==", "", None),
        ("type == 'a' &&\n  colour == 1", "colour is not known", Some((2, 3))),
        ("payload.a.frobnicate()", "frobnicate with 1 arguments is not known", Some((1, 11))),
        ("payload.a.matches(payload.b)", "must be a text in quotes", Some((1, 11))),
        ("payload.a.matches('(')", "the pattern of matches cannot be used", Some((1, 11))),
        ("payload.a.matches('(a{500}){500}')", "the pattern of matches cannot be used", Some((1, 11))),
        ("'a'", "is no condition", Some((1, 1))),
        ("1 + 1", "is no condition", Some((1, 1))),
        ("size(payload.a)", "is no condition", Some((1, 1))),
        ("payload.a == b'x'", "JSON has no bytes", None),
        ("Money{units: 1} == payload", "there is no type Money", Some((1, 1))),
        ("timestamp(payload.at) > timestamp('2026-01-01T00:00:00Z')", "timestamp with 1 arguments", Some((1, 1))),
    ] {
        let wrong = Filter::parse(filter).expect_err(filter);
        assert!(wrong.why.contains(why) && !wrong.why.is_empty(), "{filter}: {wrong}");
        assert!(place.is_none_or(|place| place == (wrong.line, wrong.column)), "{filter}: {wrong}");
    }
    let long = format!("type == '{}'", "x".repeat(FILTER_BYTES_MAX));
    assert!(Filter::parse(&long).unwrap_err().why.contains("2048 bytes"));
}

#[test]
fn hostile_filters_end_soon_however_they_are_made() {
    let nested = |depth: usize| {
        let list = "[1,2,3,4,5,6,7,8,9,10]";
        let open: String = (0..depth).map(|at| format!("{list}.all(v{at}, ")).collect();
        format!("{open}v0 > 0{}", ")".repeat(depth))
    };
    let doubled = format!("{}.size() > 0", "[1].map(a, payload.text + payload.text)[0].size() > 0 || payload.text");
    let many =
        json!({"text": "a".repeat(400_000), "items": (0..50_000).collect::<Vec<_>>(), "texts": vec!["ab"; 20_000]});
    let bytes = many.to_string();
    let mut hostile: Vec<String> = vec![
        nested(9),
        "payload.items.all(a, payload.items.all(b, payload.items.all(c, a + b + c >= 0)))".to_owned(),
        "payload.items.map(a, payload.items).size() > 0 && payload.items.map(a, payload.items) == []".to_owned(),
        "payload.items.map(a, payload.items + payload.items).size() > 0".to_owned(),
        "payload.items.all(a, payload.text.contains('b') || true)".to_owned(),
        "payload.items.map(a, payload.text + payload.text).size() > 0".to_owned(),
        "payload.items.all(a, payload.text.matches('(a*)*b') || true)".to_owned(),
        "payload.text.matches('(a|a)*(a|a)*(a|a)*(a|a)*$b')".to_owned(),
        "payload.items.exists(a, a in payload.texts)".to_owned(),
        "payload.items.map(a, payload.text + 'x').map(b, b + b).map(c, c + c).size() == 0".to_owned(),
        "payload.items.exists(a, payload == {'a': payload, 'b': payload, 'c': 1})".to_owned(),
        doubled,
        "payload.texts.map(t, t + t).map(t, t + t).map(t, t + t).all(t, t.size() == 16)".to_owned(),
    ];
    hostile.push(format!("{}payload.items.size(){} > 0", "(".repeat(20), ")".repeat(20)));
    for filter in hostile.iter().filter(|text| text.len() <= FILTER_BYTES_MAX) {
        let Ok(filter) = Filter::parse(filter) else { continue };
        let facts = Facts::new("a", None, "b", Some(bytes.as_bytes()));
        // Reading the payload is bounded by its size, and done once.
        let _ = facts.payload();
        let begun = Instant::now();
        let _ = filter.judge(&facts);
        assert!(begun.elapsed() < Duration::from_secs(2), "{filter}: {:?}", begun.elapsed());
    }
    assert_eq!(said(&nested(9), &many), Err(Failed::TooLong));
    assert_eq!(said("payload.items.all(a, payload.items.all(b, a + b >= 0))", &many), Err(Failed::TooLong));
    assert_eq!(said("true || payload.items.all(a, payload.items.all(b, a + b >= 0))", &many), Ok(true));
    assert_eq!(
        said("payload.items.all(a, payload.items.all(b, a + b >= 0)) || true", &many),
        Err(Failed::TooLong),
        "nothing makes up for steps"
    );
}

#[test]
fn hostile_texts_are_read_soon_or_refused() {
    let size = FILTER_BYTES_MAX;
    let texts = [
        "(".repeat(size),
        "[".repeat(size),
        "!".repeat(size - 4) + "true",
        "-".repeat(size - 1) + "1",
        "a.".repeat(size / 2),
        "{".repeat(size),
        "true ? ".repeat(size / 7),
        "t?t:".repeat(size / 4 - 1) + "t",
        "true?true:".repeat(60) + "true",
        "!-".repeat(size / 2 - 4) + "1",
        "[".repeat(32) + &"]".repeat(32) + " == []",
        "[1].all(a,".repeat(30) + "true" + &")".repeat(30),
        "true||".repeat(size / 6 - 1) + "true",
        "1+".repeat(size / 2 - 4) + "1 == 1",
        "payload.".to_owned() + &"a.".repeat(size / 2 - 8) + "a == 1",
        "payload".to_owned() + &"[0]".repeat(size / 3 - 8) + " == 1",
        "[1].all(a,".repeat(size / 10),
        "'".repeat(size),
        "\\".repeat(size),
        "\u{1f600}".repeat(size / 4),
        "\0".repeat(size),
    ];
    for text in &texts {
        let begun = Instant::now();
        let read = Filter::parse(text);
        if let Ok(filter) = read {
            let _ = filter.judge(&Facts::new("a", None, "b", Some(b"{}")));
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{:.20}: {:?}", text, begun.elapsed());
    }
}

#[test]
fn all_filters_about_one_event_share_its_steps() {
    let endless = Filter::parse("payload.items.all(a, payload.items.all(b, a + b >= 0))").unwrap();
    let bytes = json!({"items": (0..50_000).collect::<Vec<_>>()}).to_string();
    let facts = Facts::new("a", None, "b", Some(bytes.as_bytes()));
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(endless.judge(&facts), Err(Failed::TooLong));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(Filter::parse("type == 'a'").unwrap().judge(&facts), Err(Failed::TooLong), "what is left is nothing");
}

#[test]
fn a_filter_that_cannot_be_read_any_more_lets_everything_through() {
    let kept: Filter = serde_json::from_value(json!("soundsLike(payload.a, 'b')")).unwrap();
    assert!(kept.wrong().is_some());
    assert!(matches!(kept.judge(&Facts::new("a", None, "b", None)), Err(Failed::NoValue(_))));
    assert_eq!(serde_json::to_value(&kept).unwrap(), "soundsLike(payload.a, 'b')");
}

/// What filters are made of, and what they are not.
const PIECES: &[&str] = &[
    "payload",
    "type",
    "key",
    "a",
    "b",
    ".",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "?",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">=",
    " in ",
    "has",
    "size",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "matches",
    "string",
    "int",
    "0",
    "9223372036854775808",
    "1.5",
    "2u",
    "0x",
    "1e",
    "'a'",
    "\"b\"",
    "'",
    "\"",
    "r'",
    "b'x'",
    "'''",
    "\\",
    "\\u00",
    "\\xff",
    "\n",
    "`",
    "@",
    "//",
    "true",
    "null",
    "é",
    "\u{1f600}",
    "\0",
    "payload.a",
    "payload.c.a",
    ".size()",
    "[0]",
    ".all(a, ",
    ".map(b, ",
    " == 1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_or_refused_and_any_filter_ends(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
    ) {
        let text = pieces.concat();
        match Filter::parse(&text) {
            Ok(filter) => {
                let bytes = json!({"a": [1, 2.5, "x", {"b": null}], "b": "text", "c": {"a": true}}).to_string();
                let facts = || Facts::new("call.ended", None, "acme", Some(bytes.as_bytes()));
                prop_assert_eq!(filter.judge(&facts()), filter.judge(&facts()));
                let kept: Filter = serde_json::from_value(serde_json::to_value(&filter).unwrap()).unwrap();
                prop_assert!(kept.wrong().is_none());
            }
            Err(wrong) => prop_assert!(wrong.line > 0 && wrong.column > 0 && !wrong.why.is_empty()),
        }
    }
}
