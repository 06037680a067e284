//! Sending one delivery again, under the same id.

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{
    audit::Actor,
    document::Fields,
    id::DeliveryId,
    invalid::Invalid,
    store::{DeliveryRow, ReplayOf, ReplayOne},
};
use serde_json::Value;

use super::{find, shown};
use crate::{
    api::Api,
    auth::{Access, Operator},
    extract::{FromDocument, Id, OptionalJson},
    openapi::{requests, values},
    problem::Problem,
    view::DeliveryWithAttempts,
};

/// The body of a replay of one.
#[derive(Debug, Default)]
pub(crate) struct Again {
    /// Where it goes from now on, if that changes.
    pub(crate) url: Option<String>,
}

impl FromDocument for Again {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        let url = fields.text("url");
        fields.finish().or(Self { url })
    }
}

/// Send a delivery again
///
/// Under the same id, with a new budget of attempts. A delivered one stays delivered, whatever comes of it. An inline
/// delivery goes to another URL if one is given: from then on, with the same signature and policy; headers of its
/// destination go along only to the same origin.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/replay", operation_id = "replay_delivery", tag = "deliveries",
    params(("id" = values::DeliveryId, Path)),
    request_body = Option<requests::Again>,
    responses(
        (status = 202, description = "It is due.", body = DeliveryWithAttempts),
        (status = 409, description = "It is pending or cancelled, or its payload or endpoint is gone."),
    ),
    security(("token" = ["operator"])),
)]
pub(super) async fn one(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<DeliveryId>,
    OptionalJson(again): OptionalJson<Again>,
) -> Result<(StatusCode, Json<DeliveryWithAttempts>), Problem> {
    let row = find(&api, &access, id).await?;
    put_back(&api, &access, &row, ReplayOf::Either, &again, &by).await
}

/// Puts a delivery back into its lane and shows it.
pub(crate) async fn put_back(
    api: &Api,
    access: &Access,
    row: &DeliveryRow,
    of: ReplayOf,
    again: &Again,
    by: &Actor,
) -> Result<(StatusCode, Json<DeliveryWithAttempts>), Problem> {
    let id = row.id;
    let came_to = match &again.url {
        Some(url) => api.engine.replay_delivery_elsewhere(id, url, of, by).await?,
        None => api.engine.replay_delivery(id, of, by).await?,
    };
    match came_to {
        ReplayOne::Released => {}
        ReplayOne::Pending => return Err(Problem::conflict("pending", "The delivery is waiting to be sent already.")),
        ReplayOne::Cancelled => return Err(Problem::conflict("cancelled", "The delivery was cancelled.")),
        ReplayOne::Expunged => {
            return Err(Problem::conflict("payload_expunged", "The payload is gone; there is nothing to send."));
        }
        ReplayOne::EndpointDeleted => {
            return Err(Problem::conflict("endpoint_deleted", "The endpoint was deleted; there is nowhere to send."));
        }
        // `Unfit`: the caller asked for a dead letter, and the delivery is none any more.
        ReplayOne::Unfit | ReplayOne::Absent => return Err(Problem::not_found()),
    }
    let row = find(api, access, id).await?;
    Ok((StatusCode::ACCEPTED, shown(api, &row).await?))
}
