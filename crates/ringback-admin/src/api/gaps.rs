//! `/v1/gaps`: which of the calls that somebody expected webhooks for got none.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
};
use http::{HeaderMap, StatusCode, header};
use ringback::{
    event::{is_key, is_tenant},
    invalid::Invalid,
    operate::gaps::{Expected, Fate, Outcome},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, endpoints::check_visible};
use crate::{
    auth::Reader,
    extract::{BODY_BYTES_MAX, FromParameters, Parameters, Query, encoding, read_whole},
    openapi::{parameters, values},
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(find_gaps))
}

/// Most keys of one request: each is a look-up.
const KEYS_MAX: usize = 10_000;

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
#[derive(Serialize, ToSchema)]
struct Gaps {
    items: Vec<Gap>,
    /// By status.
    counts: BTreeMap<String, u64>,
}

/// Which calls got no webhook
///
/// The body lists the keys that were expected: as CSV, of which the first column counts and a first line `key` is passed
/// over, or as JSON lines, each a text or an object with `key`. At most 10,000 of them.
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
) -> Result<Json<Gaps>, Problem> {
    expected.tenant = access.listed(expected.tenant)?;
    if let Some(endpoint) = expected.endpoint {
        check_visible(&api, &access, endpoint).await?;
    }
    let mut gaps = Gaps { items: Vec::new(), counts: BTreeMap::new() };
    for key in keys(request).await? {
        let Outcome { fate, delivery } = api.engine.outcome_of_key(&key, &expected).await?;
        *gaps.counts.entry(fate.name().to_owned()).or_default() += 1;
        gaps.items.push(Gap { key, status: fate, delivery_id: delivery });
    }
    Ok(Json(gaps))
}

/// The keys that a request lists.
async fn keys(request: Request) -> Result<Vec<String>, Problem> {
    encoding::require_none(request.headers())?;
    let form = Form::of(request.headers())?;
    let body = read_whole(request, BODY_BYTES_MAX).await?;
    let text = std::str::from_utf8(&body).map_err(|_| wrong(0, "malformed", "the body is not UTF-8 text"))?;
    Ok(form.keys(text)?)
}

/// The keys in the first column of a text of CSV (RFC 4180); a first line `key` is passed over.
///
/// # Errors
/// A finding for the first line that names no key, and for the first one that is too many.
pub(crate) fn keys_of_csv(text: &str) -> Result<Vec<String>, Invalid> {
    Form::Csv.keys(text)
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

    /// All keys of a text.
    fn keys(self, text: &str) -> Result<Vec<String>, Invalid> {
        let named = match self {
            Self::Csv => first_columns(text)?,
            Self::Lines => lines(text)?,
        };
        let mut keys = Vec::new();
        for (index, key) in named {
            if index == 0 && self == Self::Csv && key == "key" {
                continue;
            }
            if !is_key(&key) {
                let detail = "is no key: it has characters or a length that a key cannot have";
                return Err(wrong(index, "malformed", detail));
            }
            keys.push(key);
            if keys.len() > KEYS_MAX {
                return Err(wrong(index, "too_many", "is more than the 10000 keys that one request may list"));
            }
        }
        Ok(keys)
    }
}

/// The first column of each record that has one, with the number of its line.
fn first_columns(text: &str) -> Result<Vec<(usize, String)>, Invalid> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut columns = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, |position| position.line().saturating_sub(1));
            wrong(usize::try_from(line).unwrap_or_default(), "malformed", "is no CSV")
        })?;
        let line = record.position().map_or(0, |position| position.line().saturating_sub(1));
        let key = record.get(0).unwrap_or_default();
        if !key.is_empty() || record.len() > 1 {
            columns.push((usize::try_from(line).unwrap_or_default(), key.to_owned()));
        }
    }
    Ok(columns)
}

/// The key that each line of JSON names, with the line's number.
fn lines(text: &str) -> Result<Vec<(usize, String)>, Invalid> {
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let detail = "is neither a text nor an object with key";
    lines.map(|(index, line)| Ok((index, key_of(line).ok_or_else(|| wrong(index, "malformed", detail))?))).collect()
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
        assert_eq!(keys_of_csv(&"k\n".repeat(KEYS_MAX + 1)).unwrap_err().findings[0].code, "too_many");
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
