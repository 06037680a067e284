//! Looking events up.

use axum::{Json, extract::State};
use ringback::{
    event::{is_key, is_tenant, is_type},
    id::EventId,
    metadata::{Metadata, is_name, is_value},
    store::{EventFilter, EventRow, EventState},
};

use crate::{
    api::Api,
    auth::{Access, Reader},
    cursor::Paging,
    extract::{FromParameters, Id, Parameters, Query},
    openapi::{parameters, values},
    problem::Problem,
    view::{self, Destinations, List},
};

/// Most deliveries shown with their event; `GET /v1/deliveries?event_id=` pages through more.
const DELIVERIES_SHOWN_MAX: usize = 1_000;

/// The list's name in its cursors.
const LIST: &str = "events";

/// `?tenant &type &key &metadata.… &state &since &until &limit &cursor`
pub(crate) struct Asked {
    filter: EventFilter,
    state: Option<EventState>,
    paging: Paging,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        let filter = EventFilter {
            tenant: parameters.text("tenant", is_tenant),
            event_type: parameters.text("type", is_type),
            key: parameters.text("key", is_key),
            metadata: Metadata(parameters.under("metadata.", is_name, is_value)),
            accepted: parameters.span(),
        };
        Self { filter, state: parameters.word("state"), paging: Paging::read(parameters) }
    }
}

/// List events
///
/// Newest first. Beside the parameters below, `metadata.NAME=VALUE` finds those with this entry among their metadata, such as
/// `metadata.campaign=spring`; several must all be there.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "list_events", tag = "events",
    params(parameters::Events, parameters::Paging),
    responses(
        (status = 200, description = "A page.", body = List<view::Event>),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(asked): Query<Asked>,
) -> Result<Json<List<view::Event>>, Problem> {
    let (rows, next_cursor) = asked.page(&api, &access).await?;
    Ok(Json(List { items: rows.into_iter().map(view::Event::from).collect(), next_cursor }))
}

impl Asked {
    /// The page that is asked for, and the cursor of the next.
    pub(crate) async fn page(self, api: &Api, access: &Access) -> Result<(Vec<EventRow>, Option<String>), Problem> {
        let Self { mut filter, state, paging } = self;
        filter.tenant = access.listed(filter.tenant)?;
        let before = paging.position(LIST, access, api.keys())?;
        let page = match state {
            Some(state) => api.engine.events_that_became(state, &filter, before, paging.limit).await?,
            None => api.engine.events(&filter, before, paging.limit).await?,
        };
        Ok((page.items, page.next.map(|next| paging.cursor(&next, LIST, access, api.keys()))))
    }
}

/// One event
///
/// With what routing decided about each endpoint, at most 1,000 of them, and its deliveries.
#[utoipa::path(
    get, path = "/v1/events/{id}", operation_id = "event", tag = "events",
    params(("id" = values::EventId, Path)),
    responses(
        (status = 200, description = "The event.", body = view::EventWithRouting),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn one(
    State(api): State<Api>,
    Reader(access): Reader,
    Id(id): Id<EventId>,
) -> Result<Json<view::EventWithRouting>, Problem> {
    let row = access.found(api.engine.event(id).await?, |row| &row.event.tenant)?;
    let routing = api.engine.routing(&row).await?;
    let deliveries = api.engine.deliveries_of(id, DELIVERIES_SHOWN_MAX).await?;
    let destinations = Destinations::of(&api.engine, &deliveries).await?;
    Ok(Json(view::EventWithRouting {
        trace: row.event.trace.as_deref().cloned(),
        event: row.into(),
        routing: routing.into_iter().map(Into::into).collect(),
        deliveries: deliveries.iter().map(|row| view::Delivery::of(row, &destinations)).collect(),
    }))
}
