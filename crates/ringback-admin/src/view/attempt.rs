//! Attempts: what was sent and what came back.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use ringback::{
    attempt::{self, Conclusion, Detail, ErrorClass, Headers, Phase, Timings},
    endpoint,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::{answers, values};

/// One try of a delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct Attempt {
    number: i32,
    #[schema(value_type = values::Time)]
    at: Timestamp,
    #[schema(value_type = values::AttemptOutcome)]
    outcome: Conclusion,
    #[schema(required)]
    status_code: Option<u16>,
    #[schema(required, value_type = Option<values::AttemptError>)]
    error: Option<ErrorClass>,
    #[schema(required, value_type = Option<values::AttemptPhase>)]
    phase: Option<Phase>,
    ambiguous: bool,
    duration_ms: f64,
    #[schema(value_type = answers::Timings)]
    timings: Timings,
    #[schema(required)]
    remote_addr: Option<String>,
    request: Request,
    /// `None` when nothing was answered.
    #[schema(required)]
    response: Option<Response>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AttemptRequest)]
struct Request {
    #[schema(value_type = values::AttemptMethod)]
    method: endpoint::Method,
    url: String,
    headers: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AttemptResponse)]
struct Response {
    headers: BTreeMap<String, String>,
    body: String,
    /// `base64` where the body is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::BodyEncoding>)]
    body_encoding: Option<&'static str>,
    /// More came than was kept.
    truncated: bool,
}

impl From<attempt::Attempt> for Attempt {
    fn from(attempt: attempt::Attempt) -> Self {
        let detail = Detail::from_bytes(&attempt.detail);
        let response = attempt.status.map(|_| {
            let (body, body_encoding) = text_or_base64(&attempt.response_body, detail.truncated);
            Response { headers: by_name(detail.response_headers), body, body_encoding, truncated: detail.truncated }
        });
        Self {
            number: attempt.number,
            at: attempt.at,
            outcome: attempt.conclusion,
            status_code: attempt.status,
            error: attempt.error,
            phase: attempt.phase,
            ambiguous: attempt.ambiguous,
            duration_ms: milliseconds(attempt.duration),
            timings: detail.timings,
            remote_addr: detail.remote_addr.map(|address| address.to_string()),
            request: Request {
                method: detail.method,
                url: detail.url.into_owned(),
                headers: by_name(detail.request_headers),
            },
            response,
        }
    }
}

/// To the microsecond.
fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}

/// A header that was sent several times is joined with a comma, as RFC 9110 §5.3 reads it.
fn by_name(headers: Headers<'_>) -> BTreeMap<String, String> {
    let mut by_name = BTreeMap::<_, String>::new();
    for (name, value) in headers {
        by_name
            .entry(name.into_owned())
            .and_modify(|joined| {
                joined.push_str(", ");
                joined.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    by_name
}

/// A body as text, or as base64 if it is no text. A truncated body that ends in the middle of a character still counts
/// as text.
fn text_or_base64(body: &Bytes, truncated: bool) -> (String, Option<&'static str>) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), None),
        Err(error) if truncated && error.error_len().is_none() => {
            (String::from_utf8_lossy(&body[..error.valid_up_to()]).into_owned(), None)
        }
        Err(_) => (STANDARD.encode(body), Some("base64")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_not_text_is_base64() {
        let shown = |body: &'static [u8], truncated| text_or_base64(&Bytes::from_static(body), truncated);
        assert_eq!(shown("grüß".as_bytes(), false), ("grüß".to_owned(), None));
        assert_eq!(shown(b"gr\xc3", true), ("gr".to_owned(), None));
        assert_eq!(shown(b"gr\xc3", false), ("Z3LD".to_owned(), Some("base64")));
        assert_eq!(shown(b"\xff\xfe", true), ("//4=".to_owned(), Some("base64")));
    }

    #[test]
    fn headers_sent_twice_are_joined() {
        let headers = ["a", "b"].map(|value| ("set-cookie".into(), value.into())).into();
        assert_eq!(by_name(headers)["set-cookie"], "a, b");
    }
}
