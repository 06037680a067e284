//! `POST /v1/endpoints/{id}/rotate-secret`: a new signing secret, with an overlap or with a switch at one moment.

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
    invalid::{Invalid, Warning},
    operate::rotate::{Rotated, Rotation},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::change::{SEEN_OTHERWISE, check_visible};
use crate::{
    api::Api,
    auth::Administrator,
    extract::{FromDocument, Id, IfMatch, OptionalJson, etag},
    openapi::{answers, parameters, requests, values},
    problem::Problem,
};

/// The new secret, told this once, and how it takes over.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretRotated {
    /// `null` where an ed25519 key was given: that is never told.
    #[schema(required)]
    secret: Option<String>,
    /// Until when the last of the older secrets signs beside it.
    #[schema(required, value_type = Option<values::Time>)]
    overlap_until: Option<Timestamp>,
    /// From when on it signs instead of the old one.
    #[schema(required, value_type = Option<values::Time>)]
    switch_at: Option<Timestamp>,
    #[schema(value_type = Vec<answers::Warning>)]
    warnings: Vec<Warning>,
}

/// `{secret?, overlap_seconds?, switch_at?, force?}`
#[derive(Default)]
pub(super) struct Request(Rotation);

impl FromDocument for Request {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        let rotation = Rotation {
            secret: fields.text("secret"),
            overlap: fields.whole("overlap_seconds").map(Duration::from_secs),
            switch_at: fields.parsed("switch_at"),
            force: fields.flag("force").unwrap_or(false),
        };
        fields.finish().or(Self(rotation))
    }
}

/// Rotate an endpoint's secret
///
/// Schemes that carry several signatures (`standard`, `standard-ed25519`, `svix`, `elevenlabs`) sign with old and new
/// secret until the overlap ends; at most two older ones sign on. The others change over at `switch_at`. Where
/// `standard-ed25519` is given no secret, its key pair is replaced too. What an earlier rotation promised is kept: where
/// this one would end it early, it is refused unless it says `force`.
#[utoipa::path(
    post, path = "/v1/endpoints/{id}/rotate-secret", operation_id = "rotate_secret", tag = "endpoints",
    params(("id" = values::EndpointId, Path), parameters::IfMatch),
    request_body = Option<requests::SecretRotation>,
    responses(
        (status = 200, description = "The new secret, told this once.", body = SecretRotated,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
        (status = 409, description = "It would end early what an earlier rotation promised; `force` does so."),
        (status = 412, description = SEEN_OTHERWISE),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn rotate_secret(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Id(id): Id<EndpointId>,
    IfMatch(seen): IfMatch,
    OptionalJson(Request(rotation)): OptionalJson<Request>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    let Rotated { endpoint, secret, overlap_until, switch_at, warnings } =
        api.engine.rotate_secret(id, &rotation, seen, &by).await?;
    let told = Json(SecretRotated { secret, overlap_until, switch_at, warnings });
    Ok(([(header::ETAG, etag(endpoint.version))], told).into_response())
}
