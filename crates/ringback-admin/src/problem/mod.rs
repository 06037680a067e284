//! The form of every refusal: `application/problem+json` (RFC 9457) with a stable `code`.
//!
//! The body never repeats a secret or a payload. Of an internal fault it says only that there was one; the operator finds
//! the cause in the log.

mod causes;
mod fallbacks;
mod listener;
mod refused_events;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use ringback::invalid::{Finding, Invalid};
use serde::Serialize;

use crate::request_id;

pub(crate) use self::fallbacks::{method_not_allowed, not_found_here, panicked, timed_out};
pub use self::listener::refusal;

/// One thing that was wrong: a body's field, or a parameter of query or header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    code: &'static str,
    detail: String,
}

impl Fault {
    /// A query parameter or header that was refused.
    pub(crate) fn parameter(name: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.to_owned()), code, detail: detail.into() }
    }
}

impl From<Finding> for Fault {
    fn from(Finding { pointer, code, detail }: Finding) -> Self {
        Self { pointer: Some(pointer), parameter: None, code, detail }
    }
}

/// A refusal on its way to the caller.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The document that callers read, in the order in which it is written.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    errors: &'a [Fault],
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
}

impl Problem {
    /// A refusal that no single field is to blame for.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// An internal fault, without its cause.
    pub(crate) fn internal() -> Self {
        let detail = "Something went wrong here; it is in the server's log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The object does not exist, or this caller may not see it: the two look the same.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here, or nothing that you may see.")
    }

    /// A known caller, who may not do this.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The token is not for this.")
    }

    /// A request that conflicts with the present state.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// Another request came before under the same `Idempotency-Key`.
    pub(crate) fn idempotency_conflict() -> Self {
        let fault = Fault::parameter("idempotency-key", "idempotency_conflict", "was used for another request");
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, vec![fault])
    }

    /// Query parameters or headers that were refused; the first fault's code is the problem's.
    pub(crate) fn bad_request(errors: Vec<Fault>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, errors)
    }

    /// Body fields that were refused: 413 if one is too large, else 422. The first finding's code is the problem's.
    pub(crate) fn invalid(invalid: Invalid) -> Self {
        let oversize = invalid.findings.iter().any(|finding| finding.code == "payload_too_large");
        let status = if oversize { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::UNPROCESSABLE_ENTITY };
        Self::of(status, invalid.findings.into_iter().map(Fault::from).collect())
    }

    /// Refused for each of these faults; the first one's code is the problem's.
    pub(crate) fn of(status: StatusCode, errors: Vec<Fault>) -> Self {
        let code = errors.first().map_or("invalid", |fault| fault.code);
        let detail = errors.iter().map(Fault::sentence).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(status, code, detail) }
    }

    /// Its status.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says to people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Sends a header along.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }
}

impl Fault {
    fn sentence(&self) -> String {
        match self.pointer.as_deref().or(self.parameter.as_deref()) {
            None | Some("") => self.detail.clone(),
            Some(field) => format!("{field} {}", self.detail),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.into_answer().map(Body::from)
    }
}

impl Problem {
    /// What the caller is sent.
    pub(crate) fn into_answer(self) -> http::Response<Bytes> {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            errors: &self.errors,
            instance: request_id::instance(),
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = http::Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().extend(self.headers);
        response
    }
}
