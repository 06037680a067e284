//! Reads a request's body: JSON by its content type, and no more bytes than the route allows.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::Request,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::problem::Problem;

/// Most bytes of a body that holds no event. An endpoint with 32 headers of 4 KiB takes 128 KiB.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a body may take to arrive: 16 MiB at 4.5 Mbit/s.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The media type of every body but a patch.
const JSON: &[&str] = &["application/json"];

/// The media types of a JSON merge patch (RFC 7396); plain JSON is taken for one too.
const MERGE_PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

/// The body of a request that must be JSON.
///
/// # Errors
/// 415 for another media type, 413 for more than `bytes_max`, 400 when it does not arrive whole.
pub(crate) async fn read_json(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    require(request.headers(), JSON)?;
    collect(request.into_body(), bytes_max).await
}

/// The body of a merge patch; errors as of [`read_json`].
pub(super) async fn read_patch(request: Request) -> Result<Bytes, Problem> {
    require(request.headers(), MERGE_PATCH)?;
    collect(request.into_body(), BODY_BYTES_MAX).await
}

/// The body of a request that may have none, and then needs no media type; errors as of [`read_json`].
pub(super) async fn read_json_if_any(request: Request) -> Result<Option<Bytes>, Problem> {
    let media_type = require(request.headers(), JSON);
    let body = collect(request.into_body(), BODY_BYTES_MAX).await?;
    if body.is_empty() { Ok(None) } else { media_type.map(|()| Some(body)) }
}

fn require(headers: &HeaderMap, allowed: &'static [&'static str]) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if allowed.iter().any(|name| essence.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    let wanted = allowed[0];
    let problem = Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!("The body must be sent with Content-Type: {wanted}."),
    );
    Err(problem.with_header(header::ACCEPT, HeaderValue::from_static(wanted)))
}

async fn collect(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let arrived = tokio::time::timeout(ARRIVAL, Limited::new(body, bytes_max).collect());
    let Ok(arrived) = arrived.await else { return Err(late()) };
    match arrived {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!("The body may have at most {bytes_max} bytes."),
        )),
        Err(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", "The body did not arrive whole.")),
    }
}

/// The rest of the body cannot be told from a next request, so the connection ends with this answer.
fn late() -> Problem {
    let detail = format!("The body did not arrive within {} seconds.", ARRIVAL.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail)
        .with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let (_open, never) = tokio::sync::oneshot::channel::<()>();
        let stalled = futures_util::stream::once(async move {
            let _ = never.await;
            Ok::<_, std::convert::Infallible>(Bytes::new())
        });
        let problem = collect(Body::from_stream(stalled), 10).await.unwrap_err();
        assert_eq!(problem.code(), "request_timeout");
    }
}
