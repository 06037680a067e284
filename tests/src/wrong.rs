//! Wrong input, made from what the document says is right: of every field of a body, every parameter and every header,
//! the values that its schema does not allow.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::document::{Document, is_of};

/// A body with one thing wrong.
pub struct Body {
    /// What is wrong, for messages.
    pub what: String,
    /// Where (RFC 6901): a refusal must name this place, or one inside it.
    pub at: String,
    /// Whether no program can hold it: then a place around this one may be named, for nobody looks inside.
    pub is_unreadable: bool,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A member that no object has.
const NONSENSE: &str = "nonsense";

/// Deeper than any value here is read.
const DEPTH: usize = 200;

/// Values of every type and of no sense; those that a schema allows are not used. Where no value of a type is allowed,
/// two of that type are enough.
fn values(variants: &[&Value]) -> Vec<Value> {
    let some = |all: Vec<Value>, kinds: &[&str]| {
        let is_allowed = variants.iter().any(|schema| kinds.iter().any(|kind| is_of(schema, kind)));
        all.into_iter().take(if is_allowed { usize::MAX } else { 2 })
    };
    let texts = [
        "",
        " ",
        "a b",
        "a\u{0}b",
        "a\nb",
        "\u{7f}",
        "grüße",
        "yesterday",
        "2026-13-45T99:00:00Z",
        "1",
        "true",
        "null",
    ];
    let texts = texts.map(Value::from).into_iter().chain([Value::from("x".repeat(5_000))]);
    let numbers = [json!(0), json!(-1), json!(5), json!(1.5), json!(1e300), json!(u64::MAX)];
    let others = [json!(null), json!(true), json!([]), json!([null]), json!({}), json!({NONSENSE: 1}), deep()];
    some(texts.collect(), &["string"]).chain(some(numbers.to_vec(), &["integer", "number"])).chain(others).collect()
}

static DEEP: LazyLock<Value> = LazyLock::new(deep);

fn deep() -> Value {
    (0..DEPTH).fold(json!(1), |inner, _| json!([inner]))
}

/// One less than the least, one more than the most.
fn beyond(schema: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    values.extend(schema["minimum"].as_i64().map(|least| json!(least - 1)));
    values.extend(schema["maximum"].as_i64().map(|most| json!(most + 1)));
    values.extend(schema["maxLength"].as_u64().map(|most| json!("x".repeat(most as usize + 1))));
    values.extend(schema["maxItems"].as_u64().map(|most| json!(vec![json!("x"); most as usize + 1])));
    values
}

impl Document {
    /// The wrong bodies where `schema` is the right one, and `right` a body that it allows.
    #[must_use]
    pub fn wrong_bodies(&self, schema: &Value, right: &Value) -> Vec<Body> {
        let mut all = Vec::new();
        self.spoil(schema, right, "", &mut all);
        all
    }

    /// Adds what can be wrong at one place of a body, and inside that place.
    fn spoil(&self, schema: &Value, right: &Value, at: &str, all: &mut Vec<Body>) {
        let schema = self.resolved(schema);
        let variants = self.variants(schema);
        let beyond = variants.iter().flat_map(|variant| beyond(variant));
        for value in values(&variants).into_iter().chain(beyond).filter(|value| !self.allows(schema, value)) {
            let (what, is_unreadable) = (shortened(&value), value == *DEEP);
            all.push(Body { what, at: at.to_owned(), is_unreadable, bytes: with(right, at, value) });
        }
        if variants.iter().any(|variant| is_of(variant, "string")) {
            let (what, bytes) = ("half a surrogate pair".to_owned(), with_text(right, at, r#""\ud800""#));
            all.push(Body { what, at: at.to_owned(), is_unreadable: true, bytes });
        }
        for variant in variants {
            let mut right = right.clone();
            let present = right.pointer(at).is_some_and(|present| self.allows(variant, present));
            if !present {
                put(&mut right, at, self.sample(variant));
            }
            if is_of(variant, "array") {
                let first = format!("{at}/0");
                put(&mut right, at, json!([self.sample(&variant["items"])]));
                self.spoil(&variant["items"], &right, &first, all);
            } else if is_of(variant, "object") {
                self.spoil_members(variant, &right, at, all);
            }
        }
    }

    fn spoil_members(&self, schema: &Value, right: &Value, at: &str, all: &mut Vec<Body>) {
        let wrong = |what: &str, name: &str, bytes| Body {
            what: what.to_owned(),
            at: format!("{at}/{name}"),
            is_unreadable: false,
            bytes,
        };
        if schema["additionalProperties"].is_object() {
            let mut right = right.clone();
            put(&mut right, &format!("{at}/x-sample"), self.sample(&schema["additionalProperties"]));
            self.spoil(&schema["additionalProperties"], &right, &format!("{at}/x-sample"), all);
            return;
        }
        all.push(wrong("unknown", NONSENSE, with(right, &format!("{at}/{NONSENSE}"), json!(null))));
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut without = right.clone();
            without.pointer_mut(at).and_then(Value::as_object_mut).expect("an object").remove(name);
            all.push(wrong("missing", name, without.to_string().into_bytes()));
        }
        for (name, of_member) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{at}/{name}");
            let mut right = right.clone();
            if name == "destination" {
                // The one excludes the other.
                right.pointer_mut(at).and_then(Value::as_object_mut).expect("an object").remove("endpoint_keys");
            }
            if right.pointer(&place).is_none() {
                put(&mut right, &place, self.sample(of_member));
            }
            all.push(wrong("twice", name, twice(&right, at, name)));
            if name == "payload" {
                all.push(wrong("too deep", name, with(&right, &place, deep())));
            }
            self.spoil(of_member, &right, &place, all);
        }
    }
}

/// Bodies that are no JSON object, or no JSON at all; whatever the route.
#[must_use]
pub fn broken_bodies() -> Vec<Vec<u8>> {
    let texts =
        ["{", "}", "{\"a\":}", "{\"a\":1,}", "{} {}", "\u{feff}{}", "'a'", "nul", "{\"a\":\"\t\"}", "{\"a\":01}"];
    let mut all: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).to_vec();
    all.extend([
        b"{\"a\":\"\xff\"}".to_vec(),
        b"\x00".to_vec(),
        b"{\"\xc3\x28\":1}".to_vec(),
        b"\xff\xfe{\x00}\x00".to_vec(),
    ]);
    all.extend(["[", "{\"a\":"].map(|open| open.repeat(100_000).into_bytes()));
    all
}

/// Texts of which a parameter or header that has a form allows none or few.
#[must_use]
pub fn texts() -> Vec<String> {
    let texts = [
        "",
        " ",
        "a b/c",
        "yesterday",
        "2026-13-45T99:00:00Z",
        "-1",
        "0",
        "1.5",
        "1001",
        "99999999999999999999",
        "null",
        "[]",
    ];
    let mut all: Vec<String> = texts.map(str::to_owned).to_vec();
    all.extend(
        ["a\u{0}b", "a\nb", "\u{85}", "' OR 1=1 --", "*", "EVT_00000000000000000000000000000000"].map(str::to_owned),
    );
    all.push("x".repeat(1_000));
    all
}

fn with(right: &Value, at: &str, value: Value) -> Vec<u8> {
    let mut body = right.clone();
    put(&mut body, at, value);
    body.to_string().into_bytes()
}

/// Puts a value at a place whose parent exists.
fn put(body: &mut Value, at: &str, value: Value) {
    let Some((parent, name)) = at.rsplit_once('/') else {
        *body = value;
        return;
    };
    match body.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.insert(name.to_owned(), value)),
        Some(Value::Array(items)) => items[name.parse::<usize>().expect("an index")] = value,
        other => panic!("nothing can stand at {at}: {other:?}"),
    }
}

/// The body with a member of the object at `at` standing there a second time.
fn twice(right: &Value, at: &str, name: &str) -> Vec<u8> {
    let object = right.pointer(at).expect("an object");
    let doubled = format!("{{{}:{},{}", json!(name), object[name], &object.to_string()[1..]);
    with_text(right, at, &doubled)
}

/// The body with a text at `at` that no value can hold.
fn with_text(right: &Value, at: &str, text: &str) -> Vec<u8> {
    const MARK: &str = "here stands what no value can hold";
    let marked = String::from_utf8(with(right, at, json!(MARK))).expect("JSON is text");
    marked.replace(&json!(MARK).to_string(), text).into_bytes()
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    text.chars().take(60).collect()
}
