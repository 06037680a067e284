//! What `/openapi.json` says, as a client reads it: operations, parameters, and which values its schemas allow.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use regex_lite::Regex;
use reqwest::Method;
use ringback::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::api::Api;

/// The document.
pub struct Document(Value);

/// One method of one route, and what is said of it.
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its route, with names in braces.
    pub route: String,
    /// Parameters, body, responses.
    pub told: Value,
}

impl Document {
    /// The document that this server serves.
    pub async fn of(api: &Api) -> Self {
        Self(api.get("/openapi.json").await.expect(200))
    }

    /// Every operation.
    ///
    /// # Panics
    /// When these are too few to be all, or no methods.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for (route, item) in self.0["paths"].as_object().expect("paths") {
            for (method, told) in item.as_object().expect("methods of a path") {
                let method = method.to_uppercase().parse().expect("a method");
                all.push(Operation { method, route: route.clone(), told: told.clone() });
            }
        }
        assert!(all.len() > 25, "{} operations", all.len());
        all
    }

    /// What a reference stands for; everything else stands for itself.
    #[must_use]
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).expect("it refers to something"),
            None => value,
        }
    }

    /// The parameters of an operation that stand in `place`: `path`, `query` or `header`.
    #[must_use]
    pub fn parameters(&self, operation: &Operation, place: &str) -> Vec<(String, Value)> {
        let parameters = operation.told["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|parameter| self.resolved(parameter)).filter(|it| it["in"] == place);
        parameters.map(|it| (it["name"].as_str().expect("a name").to_owned(), it["schema"].clone())).collect()
    }

    /// What a query that tests `name` must have beside it: samples of the other parameters that are required.
    #[must_use]
    pub fn also_needed(&self, operation: &Operation, name: &str) -> String {
        let parameters = operation.told["parameters"].as_array().into_iter().flatten();
        let needed = parameters
            .map(|parameter| self.resolved(parameter))
            .filter(|it| it["in"] == "query" && it["required"] == true);
        let needed = needed.filter(|it| it["name"] != name);
        let sample = |it: &Value| {
            format!(
                "&{}={}",
                it["name"].as_str().unwrap_or_default(),
                self.sample(&it["schema"]).as_str().unwrap_or("x")
            )
        };
        needed.map(sample).collect()
    }

    /// The schema of an operation's body.
    #[must_use]
    pub fn body<'a>(&'a self, operation: &'a Operation) -> Option<&'a Value> {
        Some(self.resolved(&operation.told["requestBody"]["content"].get("application/json")?["schema"]))
    }

    /// Whether an operation may be refused with this status and code.
    #[must_use]
    pub fn may_be_refused(&self, operation: &Operation, status: u16, code: &str) -> bool {
        let response = self.resolved(&operation.told["responses"][status.to_string()]);
        let schema = &response["content"]["application/problem+json"]["schema"]["allOf"][1];
        let codes = schema["properties"]["code"]["enum"].as_array();
        codes.is_some_and(|codes| codes.iter().any(|known| known == code))
    }

    /// A value that a schema allows: its example, or what it requires.
    #[must_use]
    pub fn sample(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        let variants = self.variants(schema);
        if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
            example.clone()
        } else if variants.first().is_some_and(|first| !std::ptr::eq(*first, schema)) {
            self.sample(variants[0])
        } else if let Some(words) = schema["enum"].as_array() {
            words[0].clone()
        } else if is_of(schema, "object") {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required
                .map(|name| (name.to_owned(), self.sample(&schema["properties"][name])))
                .collect::<Map<_, _>>()
                .into()
        } else if is_of(schema, "array") {
            json!([self.sample(&schema["items"])])
        } else if is_of(schema, "string") {
            json!("sample")
        } else if is_of(schema, "boolean") {
            json!(true)
        } else if is_of(schema, "integer") || is_of(schema, "number") {
            schema.get("minimum").filter(|least| least.as_f64() != Some(0.0)).cloned().unwrap_or_else(|| json!(1))
        } else {
            json!({})
        }
    }

    /// The schemas of which a value may have one, `null` left out.
    #[must_use]
    pub fn variants<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        match schema["oneOf"].as_array() {
            None => vec![schema],
            Some(choices) => {
                let choices = choices.iter().map(|choice| self.resolved(choice)).filter(|it| it["type"] != "null");
                choices.flat_map(|choice| self.variants(choice)).collect()
            }
        }
    }

    /// Whether a schema allows a value; of JSON Schema it knows the words that the document uses.
    #[must_use]
    pub fn allows(&self, schema: &Value, value: &Value) -> bool {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            return choices.iter().any(|choice| self.allows(choice, value));
        }
        let is_word = schema["enum"].as_array().is_none_or(|words| words.contains(value));
        let has_form = match value {
            Value::String(text) => allows_text(schema, text),
            Value::Number(number) => allows_number(schema, number.as_f64().expect("finite")),
            Value::Array(items) => self.allows_items(schema, items),
            Value::Object(members) => self.allows_members(schema, members),
            Value::Null | Value::Bool(_) => true,
        };
        has_type(schema, value) && is_word && has_form
    }

    fn allows_items(&self, schema: &Value, items: &[Value]) -> bool {
        let bounds = bound(schema, "minItems", 0.0)..=bound(schema, "maxItems", f64::MAX);
        let count = u32::try_from(items.len()).map_or(f64::MAX, f64::from);
        bounds.contains(&count) && items.iter().all(|item| schema.get("items").is_none_or(|it| self.allows(it, item)))
    }

    fn allows_members(&self, schema: &Value, members: &Map<String, Value>) -> bool {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut missing = required.filter(|name| !members.contains_key(*name));
        let is_allowed = |name: &str, value: &Value| match schema["properties"].get(name) {
            Some(known) => self.allows(known, value),
            None => match &schema["additionalProperties"] {
                Value::Bool(any) => *any,
                Value::Null => schema.get("properties").is_none(),
                schema => self.allows(schema, value),
            },
        };
        missing.next().is_none() && members.iter().all(|(name, value)| is_allowed(name, value))
    }
}

/// Whether values of this type are among those that a schema allows.
#[must_use]
pub fn is_of(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let kinds: &[&str] = match value {
        Value::Null => &["null"],
        Value::Bool(_) => &["boolean"],
        Value::Number(number) if number.as_f64().is_some_and(|it| it.fract() == 0.0) => &["number", "integer"],
        Value::Number(_) => &["number"],
        Value::String(_) => &["string"],
        Value::Array(_) => &["array"],
        Value::Object(_) => &["object"],
    };
    schema.get("type").is_none() || kinds.iter().any(|kind| is_of(schema, kind))
}

/// A pattern, which is compiled once: a document has few, and each is tried thousands of times.
fn compiled(pattern: &str) -> Regex {
    static COMPILED: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut all = COMPILED.lock().expect("nobody panics with it");
    let new = || Regex::new(pattern).expect("a pattern");
    all.entry(pattern.to_owned()).or_insert_with(new).clone()
}

fn allows_text(schema: &Value, text: &str) -> bool {
    let bounds = bound(schema, "minLength", 0.0)..=bound(schema, "maxLength", f64::MAX);
    let length = u32::try_from(text.chars().count()).map_or(f64::MAX, f64::from);
    let fits = |pattern: &str| compiled(pattern).is_match(text);
    bounds.contains(&length)
        && schema["pattern"].as_str().is_none_or(fits)
        && (schema["format"] != "date-time" || text.parse::<Timestamp>().is_ok())
}

fn allows_number(schema: &Value, number: f64) -> bool {
    (bound(schema, "minimum", f64::MIN)..=bound(schema, "maximum", f64::MAX)).contains(&number)
        && number > bound(schema, "exclusiveMinimum", f64::NEG_INFINITY)
}

fn bound(schema: &Value, name: &str, otherwise: f64) -> f64 {
    schema[name].as_f64().unwrap_or(otherwise)
}
