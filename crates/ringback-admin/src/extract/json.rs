//! Bodies as handlers take them.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use ringback::{compute::compute, document::Fields, endpoint::Draft, invalid::Invalid};
use serde_json::Value;

use super::{
    body::{self, BODY_BYTES_MAX},
    document::Document,
};
use crate::{api::Api, problem::Problem};

/// What a route reads from a JSON object.
pub(crate) trait FromDocument: Sized + Send + 'static {
    /// Reads the object; every field that is wrong is a finding.
    fn read(document: Value) -> Result<Self, Invalid>;
}

/// Parses a body; a large one apart from the threads that requests run on.
///
/// # Errors
/// As of `read`.
pub(crate) async fn parse<T: Send + 'static>(
    body: Bytes,
    read: impl FnOnce(&Bytes) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    /// Parsing a byte costs so many times as much as hashing one.
    const COST: usize = 4;
    compute(COST * body.len(), move || read(&body)).await
}

/// A JSON object read as a `T`.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: FromDocument> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        let body = body::read_json(request, BODY_BYTES_MAX).await?;
        parse(body, |body| Ok(Self(T::read(Document::read(body)?.into_value()?)?))).await
    }
}

/// A JSON object read as a `T`, or `T`'s default if the request has no body.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: FromDocument + Default> FromRequest<Api> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        match body::read_json_if_any(request).await? {
            Some(body) => parse(body, |body| Ok(Self(T::read(Document::read(body)?.into_value()?)?))).await,
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
            Some(body) => parse(body, |body| Ok(Self(Some(Document::read(body)?)))).await,
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
        parse(body, |body| Ok(Self(Document::read(body)?.into_value()?))).await
    }
}

/// A draft keeps its findings until the rest of it is checked, so that all are reported at once.
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
