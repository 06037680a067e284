//! `/alerts`: who is told when something goes wrong, what was told last, and a form for one more who is told.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use ringback::{
    endpoint::Endpoint,
    event::is_reserved,
    store::{EventFilter, EventRow},
    time::Timestamp,
    told::Told,
};

use super::{
    endpoints,
    listing::{Cell, Row, Table},
};
use crate::{
    api::Api,
    auth::Permission,
    dashboard::{frame::Frame, moment::Moment, mount::Mount, visible::visible, visitor::Visitor},
    problem::Problem,
};

/// Most operational events that are shown.
const TOLD_SHOWN: u32 = 25;

#[derive(Template)]
#[template(path = "alerts.html")]
struct Page {
    frame: Frame,
    tenant: String,
    endpoints: Table,
    told: Table,
    /// Types, and what they mean.
    types: Vec<(&'static str, &'static str)>,
    may_administer: bool,
}

/// `GET /alerts`
pub(in crate::dashboard) async fn show(State(api): State<Api>, visitor: Visitor) -> Response {
    let page = read(&api, &visitor).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor) -> Result<Page, Problem> {
    let tenant = &api.engine.settings().operations.tenant;
    if visitor.access.tenant.as_ref().is_some_and(|bound| bound != tenant) {
        return Err(Problem::forbidden());
    }
    let (now, mount) = (Timestamp::now(), &visitor.mount);
    let directory = api.engine.directory().await?;
    let is_told = |endpoint: &&Arc<Endpoint>| endpoint.spec.event_types.iter().any(|name| is_reserved(name));
    let listeners: Vec<_> = directory.of_tenant(tenant).filter(is_told).map(AsRef::as_ref).collect();
    let health = api.engine.health(&listeners).await?;
    let rows = listeners.iter().zip(&health).map(|(endpoint, health)| endpoints::row(mount, endpoint, health, now));
    let rows = rows.collect();
    let filter = EventFilter { tenant: Some(tenant.clone()), ..EventFilter::default() };
    let events = api.engine.events(&filter, None, TOLD_SHOWN).await?.items;
    let told =
        events.iter().filter(|row| is_reserved(&row.event.event_type)).map(|row| told(mount, row, now)).collect();
    Ok(Page {
        frame: visitor.frame(api),
        tenant: visible(tenant),
        endpoints: Table::new(endpoints::HEAD, rows),
        told: Table::new(&["When", "What", "About"], told),
        types: Told::ALL.iter().map(|told| (told.name(), told.sentence())).collect(),
        may_administer: visitor.access.may(Permission::Administer),
    })
}

fn told(mount: &Mount, row: &EventRow, now: Timestamp) -> Row {
    let event = &row.event;
    let sentence =
        event.event_type.parse::<Told>().map_or_else(|_| visible(&event.event_type), |told| told.sentence().to_owned());
    let about = match event.key.as_deref() {
        Some(id) if id.starts_with("ep_") => Cell::key(visible(id), format!("{mount}/endpoints/{id}")),
        Some(host) => Cell::code(visible(host)),
        None => Cell::text("the installation"),
    };
    Row::of(vec![
        Cell::at(Some(Moment::new(event.id.accepted_at(), now))),
        Cell::key(sentence, format!("{mount}/events/{}", event.id)).with(visible(&event.event_type)),
        about,
    ])
}
