//! Refusals by the server, before the router is asked.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{Fault, Problem};
use crate::request_id;

/// A refusal in the form of all others (`application/problem+json`, an `x-request-id`), for servers that refuse a request
/// before the router is asked: because its head is malformed, or too many requests are open. `header` names the request's
/// header that is to blame, if one is.
#[must_use]
pub fn refusal(status: StatusCode, code: &'static str, detail: &str, header: Option<&str>) -> Response<Bytes> {
    request_id::under_new(|| {
        let problem = match header {
            Some(name) => Problem::of(status, vec![Fault::parameter(name, code, detail)]),
            None => Problem::new(status, code, detail),
        };
        crate::guards::protected(problem.into_answer())
    })
}
