//! A page that says what went wrong and what to do about it.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::{frame::Frame, mount::Mount};
use crate::problem::Problem;

/// What went wrong; where the page is mounted is added with [`Refusal::at`].
pub(super) struct Refusal {
    status: StatusCode,
    title: &'static str,
    what_to_do: String,
    /// Whether there is a first page that the visitor could go to instead.
    has_home: bool,
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct Page<'a> {
    frame: Frame,
    status: u16,
    title: &'a str,
    what_to_do: &'a str,
    again: bool,
    has_home: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, title: &'static str, what_to_do: impl Into<String>) -> Self {
        Self { status, title, what_to_do: what_to_do.into(), has_home: true }
    }

    /// For a visitor who came by a link alone, and has no other page to go to.
    pub(super) fn without_home(self) -> Self {
        Self { has_home: false, ..self }
    }

    /// The page.
    pub(super) fn at(&self, mount: Mount) -> Response {
        let again = self.status == StatusCode::SERVICE_UNAVAILABLE;
        let (status, title, what_to_do) = (self.status.as_u16(), self.title, self.what_to_do.as_str());
        let page = Page { frame: Frame::bare(mount), status, title, what_to_do, again, has_home: self.has_home };
        let mut response = (self.status, rendered(&page)).into_response();
        if again {
            // The page reloads by itself, for a visitor who waits for the database.
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("5"));
        }
        response
    }
}

/// The API's answer, for people.
impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let title = match problem.status() {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::FORBIDDEN => "Your token is not for this",
            StatusCode::CONFLICT => "That cannot be done now",
            StatusCode::PAYLOAD_TOO_LARGE => "That form is too large",
            StatusCode::SERVICE_UNAVAILABLE => "The server cannot answer this now",
            _ => "Something went wrong",
        };
        Self::new(problem.status(), title, problem.detail())
    }
}

/// A page as a response.
pub(super) fn rendered(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
