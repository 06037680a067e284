//! `/v1/gaps`: which of the calls that somebody expected webhooks for got none.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ringback::{
    event::{is_key, is_tenant},
    invalid::Invalid,
    operate::gaps::{Expected, Fate, KEYS_AT_ONCE, Outcome},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, endpoints::check_visible};
use crate::{
    auth::Reader,
    extract::{FromParameters, Parameters, Query, encoding, read_whole},
    openapi::{parameters, values},
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(find_gaps))
}

/// Most keys of one request: each is a look into an index.
const KEYS_MAX: usize = 100_000;

/// Most keys of a page, which shows each in a row.
const KEYS_OF_PAGE_MAX: usize = 10_000;

/// Most bytes of a list: as of a batch of events.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest time after which a delivery can be called late.
const LATE_AFTER_SECONDS_MAX: u32 = 30 * 24 * 60 * 60;

/// `?tenant &endpoint_id &since &until &late_after`
struct Asked(Expected);

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        Self(Expected {
            tenant: parameters.text("tenant", is_tenant),
            endpoint: parameters.parsed("endpoint_id"),
            accepted: parameters.span(),
            late_after: parameters
                .number("late_after", 0, LATE_AFTER_SECONDS_MAX)
                .map(|seconds| Duration::from_secs(seconds.into())),
        })
    }
}

/// What became of one key.
#[derive(Serialize, ToSchema)]
struct Gap {
    #[schema(value_type = values::Key)]
    key: String,
    #[schema(value_type = values::Fate)]
    status: Fate,
    /// The delivery that says so.
    #[schema(required, value_type = Option<values::DeliveryId>)]
    delivery_id: Option<ringback::id::DeliveryId>,
}

/// What became of each key, in the order in which they were given, and how many there are of each kind.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document describes it; Answer writes it")]
struct Gaps {
    items: Vec<Gap>,
    /// By status.
    counts: BTreeMap<String, u64>,
}

/// Which calls got no webhook
///
/// The body lists the keys that were expected: as CSV, of which the first column counts and a first line `key` is passed
/// over, or as JSON lines, each a text or an object with `key`. At most 100,000 of them, in at most 16 MiB.
#[utoipa::path(
    post, path = "/v1/gaps", operation_id = "find_gaps", tag = "find",
    params(parameters::Gaps),
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "What became of each.", body = Gaps),
    ),
    security(("token" = ["read"])),
)]
async fn find_gaps(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(Asked(mut expected)): Query<Asked>,
    request: Request,
) -> Result<Response, Problem> {
    expected.tenant = access.listed(expected.tenant)?;
    if let Some(endpoint) = expected.endpoint {
        check_visible(&api, &access, endpoint).await?;
    }
    encoding::require_none(request.headers())?;
    let form = Form::of(request.headers())?;
    let body = read_whole(request, BODY_BYTES_MAX).await?;
    let text = std::str::from_utf8(&body).map_err(|_| wrong(0, "malformed", "the body is not UTF-8 text"))?;
    let mut answer = Answer::default();
    let mut keys = form.keys(text, KEYS_MAX);
    loop {
        let step = keys.by_ref().take(KEYS_AT_ONCE).collect::<Result<Vec<_>, _>>()?;
        if step.is_empty() {
            return answer.finish();
        }
        let outcomes = api.engine.outcomes_of_keys(&step, &expected).await?;
        for (key, outcome) in step.into_iter().zip(outcomes) {
            answer.add(key, outcome)?;
        }
    }
}

/// A [`Gaps`] that is written as it grows: neither the keys nor the items stand in memory beside it.
#[derive(Default)]
struct Answer {
    items: Vec<u8>,
    counts: BTreeMap<&'static str, u64>,
}

impl Answer {
    fn add(&mut self, key: String, Outcome { fate, delivery }: Outcome) -> Result<(), Problem> {
        *self.counts.entry(fate.name()).or_default() += 1;
        self.items.extend_from_slice(if self.items.is_empty() { b"{\"items\":[" } else { b"," });
        let gap = Gap { key, status: fate, delivery_id: delivery };
        serde_json::to_writer(&mut self.items, &gap).map_err(|_| Problem::internal())
    }

    fn finish(mut self) -> Result<Response, Problem> {
        if self.items.is_empty() {
            self.items.extend_from_slice(b"{\"items\":[");
        }
        self.items.extend_from_slice(b"],\"counts\":");
        serde_json::to_writer(&mut self.items, &self.counts).map_err(|_| Problem::internal())?;
        self.items.push(b'}');
        Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.items).into_response())
    }
}

/// The keys in the first column of a text of CSV (RFC 4180); a first line `key` is passed over.
///
/// # Errors
/// A finding for the first line that names no key, and for the first one that is too many.
pub(crate) fn keys_of_csv(text: &str) -> Result<Vec<String>, Invalid> {
    Form::Csv.keys(text, KEYS_OF_PAGE_MAX).collect()
}

/// A finding about one line, by its number from 0 as in an array.
fn wrong(index: usize, code: &'static str, detail: &str) -> Invalid {
    Invalid::one(format!("/{index}"), code, detail)
}

/// How keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Lines,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" | "text/plain" => Ok(Self::Csv),
            "application/x-ndjson" | "application/jsonl" | "application/json" => Ok(Self::Lines),
            _ => {
                let detail = "The body must be text/csv or application/x-ndjson.";
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
            }
        }
    }

    /// The keys of a text, one after the other: at most `most`.
    fn keys(self, text: &str, most: usize) -> impl Iterator<Item = Result<String, Invalid>> {
        let named: Box<dyn Iterator<Item = _> + Send> = match self {
            Self::Csv => Box::new(first_columns(text).filter(|named| !matches!(named, Ok((0, key)) if key == "key"))),
            Self::Lines => Box::new(lines(text)),
        };
        named.enumerate().map(move |(count, named)| {
            let (index, key) = named?;
            if !is_key(&key) {
                let detail = "is no key: it has characters or a length that a key cannot have";
                return Err(wrong(index, "malformed", detail));
            }
            if count >= most {
                return Err(wrong(
                    index,
                    "too_many",
                    &format!("is more than the {most} keys that one request may list"),
                ));
            }
            Ok(key)
        })
    }
}

/// The first column of each record that has one, with the number of its line.
fn first_columns(text: &str) -> impl Iterator<Item = Result<(usize, String), Invalid>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let line_of = |position: Option<&csv::Position>| {
        let line = position.map_or(0, |position| position.line().saturating_sub(1));
        usize::try_from(line).unwrap_or_default()
    };
    reader.into_records().filter_map(move |record| match record {
        Err(error) => Some(Err(wrong(line_of(error.position()), "malformed", "is no CSV"))),
        Ok(record) => {
            let key = record.get(0).unwrap_or_default();
            (!key.is_empty() || record.len() > 1).then(|| Ok((line_of(record.position()), key.to_owned())))
        }
    })
}

/// The key that each line of JSON names, with the line's number.
fn lines(text: &str) -> impl Iterator<Item = Result<(usize, String), Invalid>> {
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let detail = "is neither a text nor an object with key";
    lines.map(move |(index, line)| Ok((index, key_of(line).ok_or_else(|| wrong(index, "malformed", detail))?)))
}

fn key_of(line: &str) -> Option<String> {
    match serde_json::from_str(line).ok()? {
        Value::String(key) => Some(key),
        Value::Object(mut fields) => fields.remove("key")?.as_str().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_column_is_the_key() {
        let keys = |text: &str| keys_of_csv(text).unwrap();
        let text = "\u{feff}key,at\r\ncall-1\r\ncall-2,2026-01-31,3.0\r\n\r\n\"a,b\",c\r\n\"a\"\"b\"\r\n call-3 , x";
        assert_eq!(keys(text), ["call-1", "call-2", "a,b", "a\"b", "call-3"]);
        assert_eq!(keys(""), [""; 0]);
        let findings = keys_of_csv("call-1\n,x\n").unwrap_err().findings;
        assert_eq!((findings[0].pointer.as_str(), findings[0].code), ("/1", "malformed"));
        assert_eq!(keys_of_csv(&"k\n".repeat(KEYS_OF_PAGE_MAX + 1)).unwrap_err().findings[0].code, "too_many");
    }

    #[test]
    fn a_line_is_a_text_or_an_object_with_a_key() {
        assert_eq!(key_of("\"call-1\"").as_deref(), Some("call-1"));
        assert_eq!(key_of("{\"key\": \"call-2\", \"at\": 3}").as_deref(), Some("call-2"));
        for line in ["3", "[]", "{}", "{\"key\": 3}", "call-1"] {
            assert_eq!(key_of(line), None, "{line}");
        }
    }
}
