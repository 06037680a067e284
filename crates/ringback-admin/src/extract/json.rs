//! Bodies as handlers take them.

use axum::extract::{FromRequest, Request};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    body::{self, BODY_BYTES_MAX},
    document::Document,
};
use crate::{api::Api, problem::Problem};

/// A JSON object read as a `T`.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        let body = body::read_json(request, BODY_BYTES_MAX).await?;
        Ok(Self(Document::read(&body)?.parse()?))
    }
}

/// A JSON object read as a `T`, or `T`'s default where the request has no body.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<Api> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let Raw(document) = Raw::from_request(request, api).await?;
        match document {
            Some(document) => Ok(Self(document.parse()?)),
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

/// The body of requests that say everything by their path: none, or `{}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
