//! Answers of two servers in one form: ids are names by the order of their first appearance, and what cannot be the same
//! (times, secrets, signatures, durations, cursors) is masked.

use std::collections::HashMap;

use regex_lite::{Captures, Regex};
use serde_json::Value;

/// The ids of one server and their names.
pub(super) struct Names {
    by_id: HashMap<String, String>,
    by_name: HashMap<String, String>,
    counts: HashMap<String, usize>,
    id: Regex,
    name: Regex,
    time: Regex,
}

impl Default for Names {
    fn default() -> Self {
        let regex = |text| Regex::new(text).expect("a regular expression");
        Self {
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            counts: HashMap::new(),
            id: regex(r"\b(evt|dlv|ep|rpl|tok)_([0-9a-f]{32})\b"),
            name: regex(r"\b(?:evt|dlv|ep|rpl|tok|at|etag)#[0-9]+(?:/[0-9]+)?\b"),
            // Times of the year 2001 are the calls' own and stay as they are.
            time: regex(r"\b20(?:0[02-9]|[1-9][0-9])-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"),
        }
    }
}

impl Names {
    /// Puts ids in the place of names.
    #[must_use]
    pub(super) fn spell(&self, text: &str) -> String {
        let spelled = self.name.replace_all(text, |found: &Captures<'_>| {
            let name = &found[0];
            match name.strip_prefix("dlv#").and_then(|rest| rest.split_once('/')) {
                Some((event, number)) => {
                    let event = self.by_name.get(&format!("evt#{event}")).map_or("", String::as_str);
                    let number = number.parse::<u16>().unwrap_or(u16::MAX);
                    format!("dlv_{}{number:04x}", event.get(4..32).unwrap_or(&"0".repeat(28)))
                }
                None => self.by_name.get(name).cloned().unwrap_or_else(|| {
                    let prefix = name.split('#').next().unwrap_or_default();
                    format!("{prefix}_{}", "0".repeat(32))
                }),
            }
        });
        spelled.into_owned()
    }

    /// Whether it is known what a name stands for.
    #[must_use]
    pub(super) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Remembers what a name stands for.
    pub(super) fn learn(&mut self, name: String, meaning: &str) {
        self.by_name.insert(name, meaning.to_owned());
    }

    /// The ids of one kind that have been seen.
    #[must_use]
    pub(super) fn all(&self, prefix: &str) -> Vec<String> {
        self.by_id.keys().filter(|id| id.starts_with(prefix)).cloned().collect()
    }

    /// The name of an id, which is a new one if it is seen for the first time.
    fn name_of(&mut self, prefix: &str, digits: &str) -> String {
        if prefix == "dlv" {
            // A delivery is named after its event: its id is the event's with its number in the low 16 bits.
            let event = self.name_of("evt", &format!("{}0000", &digits[..28]));
            let number = u16::from_str_radix(&digits[28..], 16).unwrap_or_default();
            return format!("dlv{}/{number}", event.trim_start_matches("evt"));
        }
        let id = format!("{prefix}_{digits}");
        if let Some(name) = self.by_id.get(&id) {
            return name.clone();
        }
        if digits.bytes().all(|digit| digit == b'0') {
            return format!("{prefix}#none");
        }
        let count = self.counts.entry(prefix.to_owned()).or_default();
        *count += 1;
        let name = format!("{prefix}#{count}");
        self.by_id.insert(id.clone(), name.clone());
        self.by_name.insert(name.clone(), id);
        name
    }

    fn text(&mut self, text: &str) -> String {
        let id = self.id.clone();
        let named = id.replace_all(text, |found: &Captures<'_>| self.name_of(&found[1], &found[2]));
        self.time.replace_all(&named, "<time>").into_owned()
    }

    /// The canonical form of a document; the first appearance of an id anywhere in it is in its order of members.
    pub(super) fn canonical(&mut self, mut document: Value) -> Value {
        self.mask(&mut document, "");
        document
    }

    fn mask(&mut self, value: &mut Value, name: &str) {
        match value {
            Value::String(text) => *text = if is_secret(name, text) { format!("<{name}>") } else { self.text(text) },
            Value::Number(_) if name == "duration_ms" => *value = Value::from(format!("<{name}>")),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item, name)),
            Value::Object(members) => {
                if members.contains_key("attempt_count") && depends_on_timing(members) {
                    for name in ["attempt_count", "attempts", "next_attempt_at", "held_until", "hold_reason"] {
                        members.remove(name);
                    }
                }
                // How an endpoint has done lately counts what a matter of timing has come to, too.
                members.remove("last_24h");
                members.remove("health");
                // Whether a connection was there already is a matter of timing: then nothing was looked up or dialled.
                if let Some(timings) = members.get_mut("timings").and_then(Value::as_object_mut) {
                    timings.values_mut().for_each(|timing| *timing = Value::Null);
                }
                members.iter_mut().for_each(|(name, value)| self.mask(value, name));
            }
            _ => {}
        }
    }
}

/// Members whose text is chance or time.
fn is_secret(name: &str, text: &str) -> bool {
    const NAMES: [&str; 7] =
        ["next_cursor", "secret", "public_key", "date", "request_id", "instance", "ringback-event-time"];
    NAMES.contains(&name)
        || ["-signature", "_signature", "-timestamp", "signature-256"]
            .iter()
            .any(|end| name.to_lowercase().ends_with(end))
        || text.starts_with("whsec_")
}

/// A receiver that answers 410 or 429 holds its lane. How many others are on their way at that moment is a matter of
/// milliseconds, so the attempts of these deliveries are not compared.
fn depends_on_timing(delivery: &serde_json::Map<String, Value>) -> bool {
    delivery["url"].as_str().is_some_and(|url| url.ends_with("/410") || url.ends_with("/429"))
}
