//! Refusals that no handler makes: unknown paths, methods that a path does not have, panics, and answers that take
//! too long.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::{Problem, causes::away};

/// No route has this path.
pub(crate) async fn not_found_here() -> Problem {
    Problem::not_found()
}

/// The path exists, the method does not; axum adds `Allow`.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not take this method; Allow names those it takes.",
    )
}

/// A handler took longer than any should; the request may have been carried out all the same.
pub(crate) fn timed_out() -> Problem {
    tracing::warn!("a request took too long and was given up");
    away("timed_out", "This took too long. It may have been carried out all the same: look before asking again.")
}

/// A handler panicked: a defect of Ringback. The message stays in the log.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a request panicked");
    Problem::internal().into_response()
}
