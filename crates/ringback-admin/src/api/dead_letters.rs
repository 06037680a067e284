//! `/v1/dead-letters`: listing dead letters, one by one or in groups; sending them again, discarding them.

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{
    event::{is_key, is_tenant, is_type},
    id::DeliveryId,
    store::{DeliveryFilter, DeliveryRow, GroupFilter, ReplayOf},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    deliveries::{Again, find, put_back},
};
use crate::{
    auth::{Access, Operator, Reader},
    cursor::Paging,
    extract::{FromParameters, Id, OptionalJson, Parameters, Query},
    openapi::{parameters, requests, values},
    problem::Problem,
    view::{DeadLetter, DeadLetterGroups, DeliveryWithAttempts, Destinations, List},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(groups)).routes(routes!(discard)).routes(routes!(replay))
}

/// The list's name in its cursors.
const LIST: &str = "dead-letters";

/// `?tenant &endpoint_id &type &key &reason &since &until &limit &cursor`
pub(crate) struct Asked {
    filter: DeliveryFilter,
    paging: Paging,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        let filter = DeliveryFilter {
            tenant: parameters.text("tenant", is_tenant),
            endpoint: parameters.parsed("endpoint_id"),
            event_type: parameters.text("type", is_type),
            key: parameters.text("key", is_key),
            reason: parameters.word("reason"),
            span: parameters.span(),
            ..DeliveryFilter::default()
        };
        Self { filter, paging: Paging::read(parameters) }
    }
}

/// List dead letters
///
/// Newest death first.
#[utoipa::path(
    get, path = "/v1/dead-letters", operation_id = "list_dead_letters", tag = "dead letters",
    params(parameters::DeadLetters, parameters::Paging),
    responses(
        (status = 200, description = "A page.", body = List<DeadLetter>),
    ),
    security(("token" = ["read"])),
)]
async fn list(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(asked): Query<Asked>,
) -> Result<Json<List<DeadLetter>>, Problem> {
    let (rows, next_cursor) = asked.page(&api, &access).await?;
    let destinations = Destinations::of(&api.engine, &rows).await?;
    Ok(Json(List { items: rows.iter().map(|row| DeadLetter::of(row, &destinations)).collect(), next_cursor }))
}

impl Asked {
    /// The page that is asked for, and the cursor of the next.
    pub(crate) async fn page(self, api: &Api, access: &Access) -> Result<(Vec<DeliveryRow>, Option<String>), Problem> {
        let Self { mut filter, paging } = self;
        filter.tenant = access.listed(filter.tenant)?;
        let before = paging.position(LIST, access, api.keys())?;
        let page = api.engine.dead_letters(&filter, before, paging.limit).await?;
        Ok((page.items, page.next.map(|next| paging.cursor(&next, LIST, access, api.keys()))))
    }

    /// The same conditions for groups, of which none asks for a key.
    pub(crate) fn grouped(&self) -> GroupFilter {
        let DeliveryFilter { tenant, endpoint, event_type, reason, span, .. } = &self.filter;
        GroupFilter {
            tenant: tenant.clone(),
            endpoint: *endpoint,
            event_type: event_type.clone(),
            reason: *reason,
            died: *span,
        }
    }

    /// Whether it asks for the first page of anything but a key, so that its groups say what there is.
    pub(crate) fn begins(&self) -> bool {
        self.filter.key.is_none() && self.paging.is_first()
    }
}

/// `?tenant &endpoint_id &type &reason &since &until`
struct Grouped(GroupFilter);

impl FromParameters for Grouped {
    fn read(parameters: &mut Parameters) -> Self {
        Self(GroupFilter {
            tenant: parameters.text("tenant", is_tenant),
            endpoint: parameters.parsed("endpoint_id"),
            event_type: parameters.text("type", is_type),
            reason: parameters.word("reason"),
            died: parameters.span(),
        })
    }
}

/// Group dead letters
///
/// By destination, type, cause and last answer, newest death first. Counts are exact, so that the answer takes longer the
/// more dead letters there are.
#[utoipa::path(
    get, path = "/v1/dead-letters/groups", operation_id = "group_dead_letters", tag = "dead letters",
    params(parameters::DeadLetterGroups),
    responses(
        (status = 200, description = "Every group.", body = DeadLetterGroups),
    ),
    security(("token" = ["read"])),
)]
async fn groups(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(Grouped(mut filter)): Query<Grouped>,
) -> Result<Json<DeadLetterGroups>, Problem> {
    filter.tenant = access.listed(filter.tenant)?;
    Ok(Json(api.engine.dead_letter_groups(&filter).await?.into()))
}

/// Send a dead letter again
///
/// A delivered one is replayed as a delivery: it never was, or is no longer, a dead letter. With `url` as there.
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}/replay", operation_id = "replay_dead_letter", tag = "dead letters",
    params(("id" = values::DeliveryId, Path)),
    request_body = Option<requests::Again>,
    responses(
        (status = 202, description = "It is due.", body = DeliveryWithAttempts),
        (status = 409, description = "It is pending or cancelled, or its payload or endpoint is gone."),
    ),
    security(("token" = ["operator"])),
)]
async fn replay(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<DeliveryId>,
    OptionalJson(again): OptionalJson<Again>,
) -> Result<(StatusCode, Json<DeliveryWithAttempts>), Problem> {
    let row = find(&api, &access, id).await?;
    put_back(&api, &access, &row, ReplayOf::DeadLetter, &again, &by).await
}

/// Discard a dead letter
///
/// It becomes `cancelled`.
#[utoipa::path(
    delete, path = "/v1/dead-letters/{id}", operation_id = "discard_dead_letter", tag = "dead letters",
    params(("id" = values::DeliveryId, Path)),
    responses(
        (status = 204, description = "It is discarded."),
    ),
    security(("token" = ["operator"])),
)]
async fn discard(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<DeliveryId>,
) -> Result<StatusCode, Problem> {
    find(&api, &access, id).await?;
    if api.engine.discard(id, &by).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
