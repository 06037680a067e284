//! A form that was sent from one of our own pages by somebody who may look: the only way to change anything here.

use std::collections::HashMap;

use axum::{
    extract::{FromRequest, FromRequestParts as _, Request},
    response::Response,
};
use http::{StatusCode, request::Parts};
use ringback::time::Timestamp;

use super::{form_token, mount::Mount, origin, refusal::Refusal, visitor::Visitor};
use crate::api::Api;

/// More than any form of ours holds, in bytes.
const BYTES_MAX: usize = 8 * 1024;

/// A form from a visitor.
pub(super) struct Submission {
    pub(super) parts: Parts,
    pub(super) visitor: Visitor,
}

/// A form from somebody who is not logged in yet.
pub(super) struct Application {
    pub(super) parts: Parts,
    pub(super) fields: HashMap<String, String>,
}

impl FromRequest<Api> for Submission {
    type Rejection = Response;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Response> {
        let (mut parts, fields) = read(request).await?;
        let visitor = Visitor::from_request_parts(&mut parts, api).await?;
        let is_ours = is_of(&fields, visitor.session.as_deref().unwrap_or_default(), api);
        if is_ours { Ok(Self { parts, visitor }) } else { Err(foreign(&parts)) }
    }
}

impl FromRequest<Api> for Application {
    type Rejection = Response;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Response> {
        let (parts, fields) = read(request).await?;
        if is_of(&fields, "", api) { Ok(Self { parts, fields }) } else { Err(foreign(&parts)) }
    }
}

/// The fields of a form, unless another site's page sent it.
async fn read(request: Request) -> Result<(Parts, HashMap<String, String>), Response> {
    let (parts, body) = request.into_parts();
    if !origin::is_ours(&parts) {
        return Err(foreign(&parts));
    }
    let Ok(body) = axum::body::to_bytes(body, BYTES_MAX).await else {
        let refusal = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "That form is too large", "Go back and try again.");
        return Err(refusal.at(Mount::of(&parts)));
    };
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
