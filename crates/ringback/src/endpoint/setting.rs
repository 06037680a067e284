//! The settings of an endpoint as a table. One row generates all that concerns its setting: the fields of request, patch,
//! effective configuration and answer, the OpenAPI document, the flag and its printed form, the audit and the stored form.
//!
//! A new setting needs its row, a type for its values if none of those below fits, and the code that acts on it. Fields that
//! other fields depend on (`url`, `preset`, `scheme`, `secret`, `headers`, `auth`, `retry`) and fields that are not about
//! sending (`tenant`, `key`, `enabled`, `event_types`) are no settings: they are read and checked by code of their own.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Body, Draft, Method, OnDead, Preset, Spec, Statuses, given::Given};
use crate::{document::Fields, invalid::Invalid};

/// In-flight limit of a lane whose endpoint sets none, and of inline lanes.
pub const MAX_IN_FLIGHT_DEFAULT: u32 = 16;

/// Passes all rows to `$then!`. A row has: a sentence that describes the setting; its name in documents; the type in which a
/// caller gives it; the type in which it is stored, with serde attributes; its default; its flag, its shape, an example, and
/// its label if it is shown on a line of its own.
macro_rules! for_every_setting {
    ($then:ident) => {
        $then! {
            /// For people, on one line
            name: String => Option<String> [serde(default)] = |_| None,
                "name", Shape::Text { chars_max: 256, one_line: true }, r#""Acme's CRM""#, None;

            /// For people
            description: String => Option<String> [serde(default)] = |_| None,
                "description", Shape::Text { chars_max: 4_096, one_line: false }, r#""Gets the end of every call.""#, None;

            /// The deadline of one attempt, from DNS to the last byte that matters
            timeout_ms: u32 => u32 [] = Preset::timeout_ms,
                "timeout", Shape::Milliseconds { least: 100, most: 60_000 }, "10000", None;

            /// Most open requests at a time
            max_in_flight: u32 => u32 [] = |_| MAX_IN_FLIGHT_DEFAULT,
                "max-in-flight", Shape::Whole { least: 1, most: 1_000 }, "16", None;

            /// Most requests started a second; no limit unless given
            rate_per_second: f64 => Option<f64> [serde(default)] = |_| None,
                "rate", Shape::Rate { most: 100_000.0 }, "50.0", None;

            /// Whether deliveries of one ordering key go out one after the other
            ordered: bool => bool [serde(default)] = |_| false,
                "ordered", Shape::Flag, "false", None;

            /// What a dead letter does to its ordering key
            on_dead: crate::endpoint::OnDead => crate::endpoint::OnDead [serde(default)] = |_| OnDead::Skip,
                "on-dead", Shape::Word { of: "OnDead", words: OnDead::NAMES }, r#""skip""#, None;

            /// The method of its requests
            method: crate::endpoint::Method => crate::endpoint::Method [serde(default)] = |_| Method::Post,
                "method", Shape::Word { of: "Method", words: Method::NAMES }, r#""POST""#, Some("method");

            /// Which status codes say that a delivery has arrived
            success_statuses: crate::endpoint::Statuses => crate::endpoint::Statuses [serde(default)] = |_| Statuses::default(),
                "success-statuses", Shape::Statuses { least: 1 }, r#"["200-299"]"#, Some("succeeds");

            /// Which status codes say that no further try can help: the delivery is dead at once, as `refused`
            permanent_statuses: crate::endpoint::Statuses => crate::endpoint::Statuses
                [serde(default = "crate::endpoint::Statuses::none")] = |_| Statuses::none(),
                "permanent-statuses", Shape::Statuses { least: 0 }, r#"["422"]"#, Some("refused by");

            /// Which of the events that it selects it wants: a condition on type, key, tenant and payload, in CEL
            filter: crate::endpoint::Filter => Option<crate::endpoint::Filter> [serde(default)] = |_| None,
                "filter", Shape::Condition, r#""payload.duration > 60""#, Some("filter");

            /// What requests have as their body: a form by name, or a template of one's own
            body: crate::endpoint::Body => crate::endpoint::Body [serde(default)] = |preset| preset.body().into(),
                "body", Shape::Body, r#""raw""#, Some("body");

            /// Where a delivery goes once its budget of tries is spent at `url`, for one more budget
            fallback_url: String => Option<String> [serde(default)] = |_| None,
                "fallback-url", Shape::Url, r#""https://fallback.example.com/hook""#, Some("fallback");

            /// Whether each request says in `traceparent` which span of which trace it is
            trace: bool => bool [serde(default)] = |_| false,
                "trace", Shape::Flag, "false", Some("trace");

            /// It is disabled after so long with nothing but failures; as the configuration says unless given
            disable_after: crate::endpoint::Lasting => Option<crate::endpoint::Lasting> [serde(default)] = |_| None,
                "disable-after", Shape::Span { least: 1_000, most: 31_536_000_000 }, r#""5d""#, Some("disabled after");
        }
    };
}
pub(super) use for_every_setting;

/// A setting, as code that reads, describes or prints it needs it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Setting {
    /// Its name in documents.
    pub name: &'static str,
    /// Its flag, without the dashes.
    pub flag: &'static str,
    /// What it is, in a sentence without its full stop.
    pub about: &'static str,
    /// Which values it takes.
    pub shape: Shape,
    /// Whether it may have no value: `null` in answers.
    pub may_be_none: bool,
    /// A value, as JSON.
    pub example: &'static str,
    /// Its label, if it is shown on a line of its own; other settings are shown in sentences.
    pub label: Option<&'static str>,
}

/// Which values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Shape {
    /// A text.
    Text {
        /// The most characters it may have.
        chars_max: usize,
        /// Whether it has no control characters; if not, it has no NUL.
        one_line: bool,
    },
    /// A URL that requests may be sent to.
    Url,
    /// `true` or `false`.
    Flag,
    /// A span of time as a whole number of milliseconds.
    Milliseconds {
        /// The shortest.
        least: u32,
        /// The longest.
        most: u32,
    },
    /// A whole number.
    Whole {
        /// The smallest.
        least: u32,
        /// The largest.
        most: u32,
    },
    /// A number above 0.
    Rate {
        /// The largest.
        most: f64,
    },
    /// One word of several.
    Word {
        /// The name of the set of words in the OpenAPI document.
        of: &'static str,
        /// All of them.
        words: &'static [&'static str],
    },
    /// Status codes and ranges of them: [`Statuses`].
    Statuses {
        /// The fewest entries.
        least: usize,
    },
    /// A condition: [`super::Filter`].
    Condition,
    /// The name of a body or a template: [`Body`].
    Body,
    /// A span of time as a text with a unit, or as a whole number of seconds: [`super::Lasting`].
    Span {
        /// The shortest, in milliseconds.
        least: u64,
        /// The longest, in milliseconds.
        most: u64,
    },
}

macro_rules! table {
    ($(
        #[doc = $about:literal]
        $name:ident: $given:ty => $kept:ty [$($serde:meta)*] = $otherwise:expr,
            $flag:literal, $shape:expr, $example:literal, $label:expr;
    )+) => {
        /// All settings of an endpoint.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            name: stringify!($name),
            flag: $flag,
            about: $about.trim_ascii_start(),
            shape: $shape,
            may_be_none: <$kept as Kept>::MAY_BE_NONE,
            example: $example,
            label: $label,
        }),+];

        /// Reads the settings that a document has.
        pub(super) fn read(draft: &mut Draft, fields: &mut Fields) {
            let mut settings = SETTINGS.iter();
            $(draft.$name = settings.next().and_then(|setting| Given::read(setting, fields));)+
        }

        /// Checks the settings that are given.
        pub(super) fn check(draft: &Draft, invalid: &mut Invalid) {
            let mut settings = SETTINGS.iter();
            $(if let (Some(setting), Some(given)) = (settings.next(), &draft.$name) {
                given.check(setting, invalid);
            })+
        }

        /// A configuration with a draft's settings; the others are from the preset, or have their defaults.
        pub(super) fn settle(draft: &mut Draft, preset: Preset, rest: Rest) -> Spec {
            let Rest { url, event_types, scheme, retry } = rest;
            $(let otherwise: fn(Preset) -> $kept = $otherwise;
            let $name = draft.$name.take().map_or_else(|| otherwise(preset), <$kept>::from);)+
            Spec { url, event_types, preset, scheme, retry, verified_at: None, $($name),+ }
        }

        impl Spec {
            /// Its settings, by their names in documents, in the order of the table.
            #[must_use]
            pub fn settings(&self) -> Settings {
                Settings(vec![$((stringify!($name), serde_json::json!(self.$name))),+])
            }
        }
    };
}

for_every_setting!(table);

/// The settings of one endpoint; serialised as the members of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings(Vec<(&'static str, Value)>);

impl Settings {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.0.iter()
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (name, value)))
    }
}

/// The other fields of a configuration, without its settings and its preset.
pub(super) struct Rest {
    pub(super) url: String,
    pub(super) event_types: Vec<String>,
    pub(super) scheme: super::Scheme,
    pub(super) retry: super::Retry,
}

#[cfg(test)]
impl Spec {
    /// A configuration for tests: it selects all events, has the default preset, and signs nothing.
    pub(crate) fn plain(url: &str) -> Self {
        let (url, event_types, scheme) = (url.to_owned(), vec!["*".to_owned()], super::Scheme::None);
        let rest = Rest { url, event_types, scheme, retry: Preset::Default.retry() };
        settle(&mut Draft::default(), Preset::Default, rest)
    }
}

impl Setting {
    /// The setting with this name in documents.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    pub(super) fn wrong(&self, code: &'static str, detail: String, invalid: &mut Invalid) {
        invalid.add(format!("/{}", self.name), code, detail);
    }
}

/// The type in which a setting is stored.
trait Kept {
    /// Whether it has a value that means "none".
    const MAY_BE_NONE: bool = false;
}

impl<T> Kept for Option<T> {
    const MAY_BE_NONE: bool = true;
}

impl Kept for u32 {}
impl Kept for bool {}
impl Kept for OnDead {}
impl Kept for Method {}
impl Kept for Statuses {}
impl Kept for Body {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::time::print_duration;

    #[test]
    fn every_example_is_read_and_kept_as_it_is() {
        let mut document = json!({"url": "https://example.com/", "event_types": ["*"]});
        for setting in SETTINGS {
            document[setting.name] = serde_json::from_str(setting.example).unwrap();
        }
        let resolved = Draft::read(document.clone()).resolve(&crate::egress::Egress::default(), "ringback-");
        let settings = resolved.unwrap().spec.settings();
        assert_eq!(settings.iter().count(), SETTINGS.len());
        for (name, value) in settings.iter() {
            assert_eq!(document[name], *value, "{name}");
        }
    }

    #[test]
    fn bounds_are_part_of_the_range() {
        let findings = |name: &str, value: Value| {
            let mut document = json!({"url": "https://example.com/", "event_types": ["*"]});
            document[name] = value;
            let resolved = Draft::read(document).resolve(&crate::egress::Egress::default(), "ringback-");
            resolved.map_or_else(|invalid| invalid.findings.len(), |_| 0)
        };
        for setting in SETTINGS {
            let (fits, does_not) = match setting.shape {
                Shape::Whole { least, most } | Shape::Milliseconds { least, most } => {
                    (vec![json!(least), json!(most)], vec![json!(least - 1), json!(most + 1), json!("1")])
                }
                Shape::Rate { most } => {
                    (vec![json!(0.1), json!(most)], vec![json!(0.0), json!(-1.0), json!(most + 1.0)])
                }
                Shape::Text { chars_max, one_line } => {
                    let longest = "ä".repeat(chars_max);
                    let refused = if one_line { "a\nb" } else { "a\0b" };
                    (vec![json!(longest)], vec![json!(format!("{longest}a")), json!(refused), json!(1)])
                }
                Shape::Statuses { least } => {
                    let (fits, many) = (json!(["222", "400-404"]), vec!["299"; 33]);
                    let wrong = vec![json!(many), json!("299"), json!(["99"])];
                    if least == 0 {
                        (vec![json!([]), json!(["400-404", "500"])], wrong)
                    } else {
                        (vec![fits], [wrong, vec![json!([])]].concat())
                    }
                }
                Shape::Condition => {
                    let long = format!("type == '{}'", "a".repeat(2_048));
                    (vec![json!("type == 'a'")], vec![json!(""), json!("colour == 1"), json!(1), json!(long)])
                }
                Shape::Body => {
                    let own = json!({"template": "{body}", "content_type": "text/plain"});
                    let wrong =
                        vec![json!("Raw"), json!(1), json!({"template": "{x}"}), json!({"content_type": "a/b"})];
                    (vec![json!("envelope"), own], wrong)
                }
                Shape::Url => {
                    let fits = vec![json!("https://example.com/b"), json!("https://example.com:8443/")];
                    let wrong = ["http://example.com/", "ftp://example.com/", "https://10.0.0.1/", "a b", ""];
                    (fits, wrong.iter().map(|url| json!(url)).chain([json!(1)]).collect())
                }
                Shape::Flag => (vec![json!(true)], vec![json!("true")]),
                Shape::Span { least, most } => {
                    let texts = [print_duration(least), print_duration(most)];
                    let wrong = vec![
                        json!(format!("{}ms", least - 1)),
                        json!(format!("{}ms", most + 1)),
                        json!("5"),
                        json!(-1),
                    ];
                    (vec![json!(texts[0]), json!(texts[1]), json!(least / 1000)], wrong)
                }
                Shape::Word { words, .. } => {
                    (words.iter().map(|word| json!(word)).collect(), vec![json!("Skip"), json!(1)])
                }
            };
            for value in fits {
                assert_eq!(findings(setting.name, value.clone()), 0, "{} {value}", setting.name);
            }
            for value in does_not {
                assert_eq!(findings(setting.name, value.clone()), 1, "{} {value}", setting.name);
            }
        }
    }

    #[test]
    fn a_rate_made_by_hand_is_a_number() {
        for rate in [f64::NAN, f64::INFINITY] {
            let mut invalid = Invalid::default();
            check(&Draft { rate_per_second: Some(rate), ..Draft::default() }, &mut invalid);
            assert_eq!(invalid.findings.len(), 1, "{rate}");
        }
    }
}
