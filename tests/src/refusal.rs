//! What a refusal has to be, whatever is refused: one form, a documented status and code, the place by name, and
//! nothing of our own affairs.

use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use crate::{
    api::Answer,
    document::{Document, Operation},
};

/// No refusal needs more bytes: what was sent is not repeated.
const BYTES_MAX: usize = 4_096;

/// What only the server's log may say.
const OUR_OWN: [&str; 4] = ["panick", "backtrace", ".rs:", "sqlx"];

/// What a refusal must name.
pub enum Named<'a> {
    /// A place in the body, or one inside it.
    Pointer(&'a str),
    /// A place in the body, one inside it, or one that it is inside of.
    Around(&'a str),
    /// A parameter of query or header.
    Parameter(&'a str),
    /// Nothing: the status says it.
    Nothing,
}

impl Named<'_> {
    fn is_named_by(&self, errors: &[Value]) -> bool {
        let all = |member: &str, is_it: &dyn Fn(&str) -> bool| {
            !errors.is_empty() && errors.iter().all(|error| error[member].as_str().is_some_and(is_it))
        };
        match *self {
            Self::Nothing => true,
            Self::Parameter(name) => all("parameter", &|given| given.eq_ignore_ascii_case(name)),
            Self::Pointer(at) => all("pointer", &|given| is_inside(given, at)),
            Self::Around(at) => all("pointer", &|given| is_inside(at, given) || is_inside(given, at)),
        }
    }
}

/// Whether a pointer names a place or something inside it.
fn is_inside(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is wrong with an answer, if it is not a refusal with one of these statuses that names this and nothing else.
#[must_use]
pub fn complaint(
    document: &Document,
    operation: &Operation,
    answer: &Answer,
    statuses: &[u16],
    named: Named<'_>,
) -> Option<String> {
    let (status, text) = (answer.status.as_u16(), String::from_utf8_lossy(&answer.bytes).into_owned());
    let problem: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or_default();
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let holds = [
        ("the status", statuses.contains(&status) && problem["status"] == status),
        ("the media type", answer.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json")),
        ("what is documented", document.may_be_refused(operation, status, code)),
        ("the detail", problem["detail"].as_str().is_some_and(|detail| detail.len() > 5)),
        ("the length", text.len() < BYTES_MAX),
        ("our own affairs", !OUR_OWN.iter().any(|word| text.contains(word))),
        ("the place", named.is_named_by(errors)),
    ];
    let wrong: Vec<_> = holds.iter().filter(|(_, holds)| !holds).map(|(what, _)| *what).collect();
    let text: String = text.chars().take(400).collect();
    (!wrong.is_empty()).then(|| format!("not right: {wrong:?}: {status} {text}"))
}
