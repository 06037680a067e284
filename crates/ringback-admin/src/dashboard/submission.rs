//! A form that a visitor sent from one of the dashboard's own pages: the only way to change anything here.

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts as _, Request},
    response::Response,
};
use http::{StatusCode, request::Parts};
use ringback::time::Timestamp;

use super::{form_token, mount::Mount, origin, refusal::Refusal, visitor::Visitor};
use crate::{
    api::Api,
    extract::{encoding, read_whole},
};

/// Most bytes of a form: a request with its body, or some thousand keys.
const BYTES_MAX: usize = 64 * 1024;

/// A form from a visitor.
pub(super) struct Submission {
    pub(super) parts: Parts,
    pub(super) visitor: Visitor,
    pub(super) fields: HashMap<String, String>,
}

/// A form from a person who is not logged in yet.
pub(super) struct Application {
    pub(super) parts: Parts,
    pub(super) fields: HashMap<String, String>,
}

impl FromRequest<Api> for Submission {
    type Rejection = Response;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        if !origin::is_ours(&parts) {
            return Err(foreign(&parts));
        }
        // The visitor is checked before the body is read.
        let visitor = Visitor::from_request_parts(&mut parts, api).await?;
        let (parts, fields) = read(parts, body).await?;
        let is_ours = is_of(&fields, visitor.cookie().unwrap_or_default(), api);
        if is_ours { Ok(Self { parts, visitor, fields }) } else { Err(foreign(&parts)) }
    }
}

impl FromRequest<Api> for Application {
    type Rejection = Response;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        if !origin::is_ours(&parts) {
            return Err(foreign(&parts));
        }
        let (parts, fields) = read(parts, body).await?;
        if is_of(&fields, "", api) { Ok(Self { parts, fields }) } else { Err(foreign(&parts)) }
    }
}

/// The fields of a form.
async fn read(parts: Parts, body: Body) -> Result<(Parts, HashMap<String, String>), Response> {
    let refused = |problem| Refusal::from(problem).at(Mount::of(&parts));
    encoding::require_none(&parts.headers).map_err(refused)?;
    let mut request = Request::new(body);
    // The extensions have the counter of the memory that the body takes.
    *request.extensions_mut() = parts.extensions.clone();
    let body = read_whole(request, BYTES_MAX).await.map_err(refused)?;
    let fields = url::form_urlencoded::parse(&body).into_owned().collect();
    Ok((parts, fields))
}

/// Whether the form was made for this session.
fn is_of(fields: &HashMap<String, String>, session: &str, api: &Api) -> bool {
    let token = fields.get("form").map(String::as_str).unwrap_or_default();
    form_token::is_good(token, session, api.keys(), Timestamp::now())
}

fn foreign(parts: &Parts) -> Response {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "That did not come from this dashboard",
        "Nothing was done. Open the page anew and press the button there: the old one may be of an earlier session.",
    )
    .at(Mount::of(parts))
}
