//! `POST /v1/endpoints/{id}/rotate-secret`: a new signing secret, with an overlap or at one moment.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use ringback::{
    document::Fields,
    id::EndpointId,
    invalid::Invalid,
    operate::rotate::{Rotated, Rotation},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;

use super::change::check_visible;
use crate::{
    api::Api,
    auth::Administrator,
    extract::{FromDocument, Id, IfMatch, OptionalJson, etag},
    problem::Problem,
};

/// The new secret, told this once, and how it takes over.
#[derive(Serialize)]
pub(super) struct SecretRotated {
    /// `null` where an ed25519 key was given: that is never told.
    secret: Option<String>,
    overlap_until: Option<Timestamp>,
    switch_at: Option<Timestamp>,
}

/// `{secret?, overlap_seconds?, switch_at?}`
#[derive(Default)]
pub(super) struct Request(Rotation);

impl FromDocument for Request {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        let rotation = Rotation {
            secret: fields.text("secret"),
            overlap: fields.whole("overlap_seconds").map(Duration::from_secs),
            switch_at: fields.parsed("switch_at"),
        };
        fields.finish().or(Self(rotation))
    }
}

/// `POST /v1/endpoints/{id}/rotate-secret`
pub(super) async fn rotate_secret(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Id(id): Id<EndpointId>,
    IfMatch(seen): IfMatch,
    OptionalJson(Request(rotation)): OptionalJson<Request>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    let Rotated { endpoint, secret, overlap_until, switch_at } =
        api.engine.rotate_secret(id, &rotation, seen, &by).await?;
    let told = Json(SecretRotated { secret, overlap_until, switch_at });
    Ok(([(header::ETAG, etag(endpoint.version))], told).into_response())
}
