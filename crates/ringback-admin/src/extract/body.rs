//! Reads a request's body: JSON by its content type, and no more bytes than the route allows.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Bytes, HttpBody as _},
    extract::Request,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;

use crate::{memory::Held, problem::Problem};

/// Most bytes of a body without events. An endpoint with 32 headers of 4 KiB takes 128 KiB.
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
/// 415 for another media type, otherwise as of [`read_whole`].
pub(crate) async fn read_json(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    require(request.headers(), JSON)?;
    read_whole(request, bytes_max).await
}

/// The body of a merge patch; errors as of [`read_json`].
pub(super) async fn read_patch(request: Request) -> Result<Bytes, Problem> {
    require(request.headers(), MERGE_PATCH)?;
    read_whole(request, BODY_BYTES_MAX).await
}

/// The body of a request that may have none, and then needs no media type; errors as of [`read_json`].
pub(super) async fn read_json_if_any(request: Request) -> Result<Option<Bytes>, Problem> {
    let media_type = require(request.headers(), JSON);
    let body = read_whole(request, BODY_BYTES_MAX).await?;
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

/// The body of a request, whatever it is.
///
/// # Errors
/// 413 for more than `bytes_max`, 503 when there is no memory left for bodies, 400 when it does not arrive whole, 408 when
/// it does not arrive in time.
pub(crate) async fn read_whole(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    tokio::time::timeout(ARRIVAL, collect(request, bytes_max)).await.unwrap_or_else(|_| Err(late()))
}

/// Collects the body. Each part is counted as it arrives, so that the count is the memory that the body takes. Parts are put
/// together at once: otherwise a body that comes byte by byte would take an allocation for each.
async fn collect(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    // `None` for a request without a body.
    let held = request.extensions().get::<Arc<Held>>().cloned();
    let mut body = request.into_body();
    let declared = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(bytes_max);
    let (mut first, mut whole) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| incomplete())?;
        let Ok(data) = frame.into_data() else { continue };
        let bytes = first.len() + whole.len() + data.len();
        if bytes > bytes_max {
            return Err(too_large(bytes_max));
        }
        held.as_ref().map_or(Ok(()), |held| held.take(data.len()))?;
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        whole.extend_from_slice(&std::mem::take(&mut first));
        if whole.capacity() < bytes {
            // The declared length is not trusted: at most twice of what has arrived is reserved.
            whole.reserve_exact(bytes.max(declared.min(bytes * 2)) - whole.len());
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.into() })
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("The body may have at most {bytes_max} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
}

fn incomplete() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", "The body did not arrive whole.")
}

/// The refusal of a body that is too slow. The rest of it could not be told from a next request, so the connection is
/// closed.
fn late() -> Problem {
    let detail = format!("The body did not arrive within {} seconds.", ARRIVAL.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail)
        .with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use futures_util::{StreamExt as _, stream};

    use super::*;
    use crate::memory::Budget;

    /// A request that comes in these parts, and may hold so many bytes.
    fn request(parts: &[&'static str], budget: &Budget) -> Request {
        let parts: Vec<_> = parts.iter().map(|part| Ok::<_, Infallible>(Bytes::from_static(part.as_bytes()))).collect();
        Request::builder().extension(Arc::new(budget.held())).body(Body::from_stream(stream::iter(parts))).unwrap()
    }

    #[tokio::test]
    async fn a_body_is_put_together_and_counted_as_it_arrives() {
        let budget = Budget::of(6);
        let read = async |parts: &[&'static str], max| {
            read_whole(request(parts, &budget), max).await.map_err(|problem| problem.code())
        };
        for (parts, whole) in [
            (&[][..], ""),
            (&["abc"], "abc"),
            (&["", "a", "", "bc", "d", "ef"], "abcdef"),
            (&["a", "b", "c", "d", "e", "f"], "abcdef"),
        ] {
            assert_eq!(read(parts, 6).await.unwrap(), whole);
        }
        assert_eq!(read(&["abc", "def", "g"], 6).await, Err("payload_too_large"));
        assert_eq!(read(&["abc", "def", "g"], 7).await, Err("request_memory_exhausted"));
        assert_eq!(read(&["abcdef"], 6).await.unwrap(), "abcdef", "what ended gave back what it held");
        let other = budget.held();
        other.take(1).unwrap();
        assert_eq!(read(&["abcdef"], 6).await, Err("request_memory_exhausted"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let stalled = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>().boxed());
        let read = tokio::time::timeout(ARRIVAL * 2, read_whole(Request::new(stalled), 10));
        let problem = read.await.expect("it is given up in time").unwrap_err();
        assert_eq!(problem.code(), "request_timeout");
    }
}
