//! What an endpoint's requests have as their body: the payload itself, a form that many receivers know, or a template.
//!
//! Whatever it is, values of the payload are copied as they were emitted, byte for byte; nothing is parsed and printed again.

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::{
    bounds::{STEPS_MAX, VALUES_MAX},
    placeholder::InBody,
    template::{self, Part, Template},
};
use crate::{invalid::Invalid, word::words};

/// Longest text of a template, in bytes. A message of Slack's blocks or Teams' cards takes two or three thousand.
pub(super) const TEMPLATE_BYTES_MAX: usize = 16 * 1024;

/// Longest content type, in bytes: names with a parameter or two.
pub(super) const CONTENT_TYPE_BYTES_MAX: usize = 128;

/// What a template's requests say they carry, unless it says otherwise.
pub(crate) const JSON: &str = "application/json";

words! {
    /// A body that is known by name.
    #[derive(Default)]
    #[non_exhaustive]
    BodyForm {
        #[default]
        Raw "raw": "the payload, byte for byte",
        Envelope "envelope": r#"{"event":…,"timestamp":…,"data":…}, with the payload as data"#,
        Cloudevents "cloudevents": "an event of CloudEvents 1.0 in structured mode, with the payload as data",
        CloudeventsBinary "cloudevents-binary": "the payload, with the attributes of CloudEvents 1.0 in ce- headers",
        Slack "slack": "a sentence about the event, as an incoming webhook of Slack takes it",
    }
}

/// The body of an endpoint's requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Body {
    /// One that is known by name.
    Form(BodyForm),
    /// The endpoint's own.
    Template(BodyTemplate),
}

/// A body with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyTemplate {
    /// Text with placeholders in braces; a literal brace is doubled.
    pub template: String,
    /// What it is; `application/json` unless it says otherwise.
    #[serde(default = "json")]
    pub content_type: String,
}

fn json() -> String {
    JSON.to_owned()
}

impl Default for Body {
    fn default() -> Self {
        Self::Form(BodyForm::Raw)
    }
}

impl From<BodyForm> for Body {
    fn from(form: BodyForm) -> Self {
        Self::Form(form)
    }
}

/// A body that was read, and is made for every attempt.
#[derive(Debug, Clone)]
pub(crate) enum Recipe {
    Form(BodyForm),
    Template(Box<TemplateRecipe>),
}

/// A template that was read.
#[derive(Debug, Clone)]
pub(crate) struct TemplateRecipe {
    pub(crate) template: Template<InBody>,
    pub(crate) content_type: String,
    /// Whether it is JSON: then what the engine puts in is escaped as it must be inside a string.
    pub(crate) is_json: bool,
}

impl Default for Recipe {
    fn default() -> Self {
        Self::Form(BodyForm::Raw)
    }
}

impl Body {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, with pointers inside the field: `/template`, `/content_type`.
    pub(crate) fn compile(&self) -> Result<Recipe, Invalid> {
        let BodyTemplate { template, content_type } = match self {
            Self::Form(form) => return Ok(Recipe::Form(*form)),
            Self::Template(template) => template,
        };
        let mut invalid = Invalid::default();
        if !is_content_type(content_type) {
            let detail = format!("must be a media type such as {JSON}, of at most {CONTENT_TYPE_BYTES_MAX} bytes");
            invalid.add("/content_type", "malformed", detail);
        }
        if template.len() > TEMPLATE_BYTES_MAX {
            invalid.add("/template", "too_long", format!("must be at most {TEMPLATE_BYTES_MAX} bytes"));
            return Err(invalid);
        }
        let parsed = Template::parse(template);
        match &parsed {
            Ok(template) => {
                if let Some(detail) = excess(template) {
                    invalid.add("/template", "too_many", detail);
                }
            }
            Err(error) => invalid.add("/template", error.code(), wrong_template(error)),
        }
        match parsed {
            Ok(template) if invalid.findings.is_empty() => {
                let (content_type, is_json) = (content_type.clone(), is_json(content_type));
                Ok(Recipe::Template(Box::new(TemplateRecipe { template, content_type, is_json })))
            }
            _ => Err(invalid),
        }
    }
}

/// A JSON template is full of braces, so the message says what most have forgotten.
fn wrong_template(error: &template::Error) -> String {
    format!("{error}. A brace of JSON is written twice: {{{{\"event\":\"{{type}}\"}}}}")
}

/// Why a template is too much for any payload.
fn excess(template: &Template<InBody>) -> Option<String> {
    let count = |wanted: fn(&InBody) -> bool| {
        template.parts().iter().filter(|part| matches!(part, Part::Value(value) if wanted(value))).count()
    };
    let bodies = count(|value| *value == InBody::Body);
    if bodies > 1 {
        return Some(format!("holds {{body}} {bodies} times; it may stand there once"));
    }
    let values = count(|value| matches!(value, InBody::Raw(_) | InBody::Json(_)));
    if values > VALUES_MAX {
        return Some(format!("holds {values} values of the payload; at most {VALUES_MAX} are allowed"));
    }
    let deepest = template.parts().iter().filter_map(|part| match part {
        Part::Value(InBody::Raw(pointer) | InBody::Json(pointer)) => Some(pointer.steps()),
        _ => None,
    });
    let deepest = deepest.max().unwrap_or(0);
    (deepest > STEPS_MAX).then(|| format!("has a pointer of {deepest} steps; at most {STEPS_MAX} are allowed"))
}

/// `type/subtype`, and whatever may follow in a header of plain ASCII.
fn is_content_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let is_token = |token: &str| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.len() <= CONTENT_TYPE_BYTES_MAX
        && essence.split_once('/').is_some_and(|(kind, of_it)| is_token(kind) && is_token(of_it))
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && HeaderValue::from_str(text).is_ok()
}

/// Whether a content type's documents are JSON.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == JSON || essence == "text/json" || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: &str, content_type: &str) -> Vec<(String, &'static str)> {
        let body = BodyTemplate { template: template.to_owned(), content_type: content_type.to_owned() };
        let invalid = Body::Template(body).compile().err().unwrap_or_default();
        invalid.findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn what_no_payload_could_fit_is_refused() {
        let at_template = |code| vec![("/template".to_owned(), code)];
        let deep = |steps: usize| format!("{{json:{}}}", "/a".repeat(steps));
        assert_eq!(found(r#"{{"a":"{raw:/a}","b":{body},"c":{json:/c/0}}}"#, JSON), []);
        assert_eq!(found("", JSON), []);
        assert_eq!(found("{body}{body}", JSON), at_template("too_many"));
        assert_eq!(found(&"{raw:/a}".repeat(VALUES_MAX), JSON), []);
        assert_eq!(found(&"{raw:/a}".repeat(VALUES_MAX + 1), JSON), at_template("too_many"));
        assert_eq!(found(&deep(STEPS_MAX), JSON), []);
        assert_eq!(found(&deep(STEPS_MAX + 1), JSON), at_template("too_many"));
        assert_eq!(found(&"x".repeat(TEMPLATE_BYTES_MAX + 1), JSON), at_template("too_long"));
        assert_eq!(found("{nonsense}", JSON), at_template("unknown_placeholder"));
        assert_eq!(found(r#"{"event":1}"#, JSON), at_template("unknown_placeholder"));
        assert_eq!(found("{raw:a}", JSON), at_template("unknown_placeholder"));
        assert_eq!(found("}", JSON), at_template("unbalanced_brace"));
    }

    #[test]
    fn content_types_are_media_types() {
        for right in ["application/json", "text/plain; charset=utf-8", "application/vnd.acme.v1+json"] {
            assert_eq!(found("x", right), [], "{right}");
        }
        let long = format!("text/{}", "x".repeat(CONTENT_TYPE_BYTES_MAX));
        for wrong in ["", "json", "/json", "text/", "text/plain\r\nx: y", "text/pl ain", "text/plain; a=é", &long] {
            assert_eq!(found("x", wrong), [("/content_type".to_owned(), "malformed")], "{wrong}");
        }
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"] {
            assert!(is_json(json), "{json}");
        }
        for other in ["text/plain", "application/jsonl", "application/x-www-form-urlencoded"] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn forms_are_kept_by_name_and_templates_as_objects() {
        let kept = |body: &Body| serde_json::to_value(body).unwrap();
        for form in BodyForm::ALL {
            assert_eq!(kept(&Body::Form(*form)), form.name());
            assert_eq!(serde_json::from_value::<Body>(kept(&Body::Form(*form))).unwrap(), Body::Form(*form));
        }
        let read: Body = serde_json::from_str(r#"{"template":"{body}"}"#).unwrap();
        assert_eq!(kept(&read), serde_json::json!({"template": "{body}", "content_type": JSON}));
    }
}
