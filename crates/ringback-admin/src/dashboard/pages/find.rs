//! `/find?q=`: what a key or an id stands for.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringback::{
    event::is_key,
    id::{DeliveryId, EndpointId, EventId, ReplayId},
    store::EventFilter,
};

use super::{
    events,
    listing::{Listing, Narrowed, Narrowing},
};
use crate::{
    api::Api,
    dashboard::{refusal::rendered, visitor::Visitor},
    problem::Problem,
};

/// Most events of a key that are shown; the page of all events goes on.
const SHOWN_MAX: u32 = 100;

/// `GET /find`: an id leads to its page, a key of one event to that event, any other key to its events.
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let narrowed = Narrowed::of(query.as_deref());
    if let Some(page) = page_of(narrowed.value("q")) {
        return Ok(Redirect::to(&visitor.mount.to(&page)).into_response());
    }
    match read(&api, &visitor, &narrowed).await {
        Ok(Found::One(id)) => Ok(Redirect::to(&visitor.mount.to(&format!("/events/{id}"))).into_response()),
        Ok(Found::List(page)) => Ok(rendered(&*page)),
        Err(problem) => Err(visitor.refused(problem)),
    }
}

enum Found {
    One(EventId),
    List(Box<Listing>),
}

/// The page of what has this id.
fn page_of(id: &str) -> Option<String> {
    let is = |list: &str, is_id: bool| is_id.then(|| format!("/{list}/{id}"));
    is("events", id.parse::<EventId>().is_ok())
        .or_else(|| is("deliveries", id.parse::<DeliveryId>().is_ok()))
        .or_else(|| is("endpoints", id.parse::<EndpointId>().is_ok()))
        .or_else(|| is("replays", id.parse::<ReplayId>().is_ok()))
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Found, Problem> {
    let key = narrowed.value("q");
    let filter =
        EventFilter { tenant: visitor.access.tenant.clone(), key: Some(key.to_owned()), ..EventFilter::default() };
    let rows = if is_key(key) { api.engine.events(&filter, None, SHOWN_MAX).await?.items } else { Vec::new() };
    if let [only] = rows.as_slice() {
        return Ok(Found::One(only.event.id));
    }
    Ok(Found::List(Box::new(Listing {
        frame: visitor.frame(api),
        title: "Find",
        hint: "By the platform's own id for a call, or by an id of Ringback's: evt_… dlv_… ep_… rpl_…",
        narrowing: Narrowing::new(&visitor.mount, "/find").text(narrowed, "Key or id", "q"),
        table: events::table(&visitor.mount, &rows),
        nothing: if key.is_empty() { "" } else { "No event with this key was handed in." },
        older: None,
    })))
}
