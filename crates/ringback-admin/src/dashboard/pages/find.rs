//! `/find?q=`: what a key or an id stands for, found as `GET /v1/find` does.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringback::operate::find::{Found, Item};

use super::{
    events,
    listing::{Narrowed, Narrowing, Table},
};
use crate::{
    api::Api,
    dashboard::{frame::Frame, refusal::rendered, visible::visible, visitor::Visitor},
};

#[derive(Template)]
#[template(path = "find.html")]
struct Page {
    frame: Frame,
    narrowing: Narrowing,
    sought: String,
    events: Table,
    /// Keys beside what was sought, with the links to them.
    nearest: Vec<(String, String)>,
}

/// `GET /find`: one thing leads to its page, several events to their list.
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let narrowed = Narrowed::of(query.as_deref());
    let sought = narrowed.value("q");
    let found = api.engine.find(sought, visitor.access.tenant.as_deref()).await;
    let Found { items, nearest } = found.map_err(|error| visitor.refused(error))?;
    if let [only] = items.as_slice() {
        return Ok(Redirect::to(&visitor.mount.to(&page_of(only))).into_response());
    }
    let rows: Vec<_> = items.into_iter().filter_map(event).collect();
    let link = |key: String| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &key).finish();
        (visible(&key), visitor.mount.to(&format!("/find?{query}")))
    };
    Ok(rendered(&Page {
        frame: visitor.frame(&api),
        narrowing: Narrowing::new(&visitor.mount, "/find").text(&narrowed, "Key or id", "q"),
        sought: visible(sought),
        events: events::table(&visitor.mount, &rows),
        nearest: nearest.into_iter().map(link).collect(),
    }))
}

fn page_of(item: &Item) -> String {
    match item {
        Item::Event(row) => format!("/events/{}", row.event.id),
        Item::Delivery(row) => format!("/deliveries/{}", row.id),
        Item::Endpoint(endpoint) => format!("/endpoints/{}", endpoint.id),
        Item::Replay(row) => row.id.map_or_else(|| "/replays".to_owned(), |id| format!("/replays/{id}")),
    }
}

fn event(item: Item) -> Option<ringback::store::EventRow> {
    match item {
        Item::Event(row) => Some(*row),
        Item::Delivery(_) | Item::Endpoint(_) | Item::Replay(_) => None,
    }
}
