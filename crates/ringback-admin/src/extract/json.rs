//! Bodies as handlers take them.

use axum::extract::{FromRequest, Request};
use ringback::{document::Fields, endpoint::Draft, invalid::Invalid};
use serde_json::Value;

use super::{
    body::{self, BODY_BYTES_MAX},
    document::Document,
};
use crate::{api::Api, problem::Problem};

/// What a route reads from a JSON object.
pub(crate) trait FromDocument: Sized {
    /// Reads the object; every field that is wrong is a finding.
    fn read(document: Value) -> Result<Self, Invalid>;
}

/// A JSON object read as a `T`.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: FromDocument> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        let body = body::read_json(request, BODY_BYTES_MAX).await?;
        Ok(Self(T::read(Document::read(&body)?.into_value()?)?))
    }
}

/// A JSON object read as a `T`, or `T`'s default where the request has no body.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: FromDocument + Default> FromRequest<Api> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let Raw(document) = Raw::from_request(request, api).await?;
        match document {
            Some(document) => Ok(Self(T::read(document.into_value()?)?)),
            None => Ok(Self(T::default())),
        }
    }
}

/// A JSON object whose members the handler takes apart itself, if the request has a body.
pub(crate) struct Raw(pub(crate) Option<Document>);

impl FromRequest<Api> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        match body::read_json_if_any(request).await? {
            Some(body) => Ok(Self(Some(Document::read(&body)?))),
            None => Ok(Self(None)),
        }
    }
}

/// A JSON merge patch.
pub(crate) struct Patch(pub(crate) Value);

impl FromRequest<Api> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        let body = body::read_patch(request).await?;
        Ok(Self(Document::read(&body)?.into_value()?))
    }
}

/// A draft keeps what is wrong with it until the rest of it is checked, so that all is told at once.
impl FromDocument for Draft {
    fn read(document: Value) -> Result<Self, Invalid> {
        Ok(Self::read(document))
    }
}

/// The body of requests that say everything by their path: none, or `{}`.
#[derive(Debug, Default)]
pub(crate) struct Nothing;

impl FromDocument for Nothing {
    fn read(document: Value) -> Result<Self, Invalid> {
        Fields::of(document, "").finish().or(Self)
    }
}
