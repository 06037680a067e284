//! Sending one delivery again, under the same id.

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{
    audit::Actor,
    id::DeliveryId,
    store::{DeliveryRow, ReplayOf, ReplayOne},
};

use super::{find, shown};
use crate::{
    api::Api,
    auth::{Access, Operator},
    extract::{Id, Nothing, OptionalJson},
    openapi::{requests, values},
    problem::Problem,
    view::DeliveryWithAttempts,
};

/// Send a delivery again
///
/// Under the same id, with a new budget of attempts. A delivered one stays delivered, whatever comes of it.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/replay", operation_id = "replay_delivery", tag = "deliveries",
    params(("id" = values::DeliveryId, Path)),
    request_body = Option<requests::Nothing>,
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
    OptionalJson(Nothing): OptionalJson<Nothing>,
) -> Result<(StatusCode, Json<DeliveryWithAttempts>), Problem> {
    let row = find(&api, &access, id).await?;
    put_back(&api, &access, &row, ReplayOf::Either, &by).await
}

/// Puts a delivery back into its lane and shows it.
pub(crate) async fn put_back(
    api: &Api,
    access: &Access,
    row: &DeliveryRow,
    of: ReplayOf,
    by: &Actor,
) -> Result<(StatusCode, Json<DeliveryWithAttempts>), Problem> {
    let id = row.id;
    match api.engine.replay_delivery(id, of, by).await? {
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
