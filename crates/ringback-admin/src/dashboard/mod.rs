//! Pages for people: they show what is wrong, and have a button that repairs it.
//!
//! Pages are rendered on the server; templates escape by default, and the security policy of every page allows no script but
//! the dashboard's own file ([`assets`]), without which everything works. Texts that callers or receivers chose are shown
//! through [`visible`], so that they cannot pretend to be something else.
//!
//! Invariants: GET changes nothing, but for a link that becomes a session ([`portal::open`]). Only a POST changes something, and
//! only from one of the dashboard's own pages ([`submission`]), by a visitor with the permission ([`visitor`]).
//!
//! A page is a file in `pages/` with a template of the same name, and a line in [`of_everybody`] or [`of_operators`].

mod assets;
mod by_link;
mod cookie;
mod evidence;
mod form_token;
mod frame;
mod headers;
mod host;
mod live;
mod moment;
mod mount;
mod origin;
mod pages;
mod portal;
mod refusal;
mod session;
mod submission;
mod visible;
mod visitor;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn_with_state, map_response},
    routing::{get, post},
};

use self::pages::{
    alerts, audit, dead_letters, deliveries, delivery, endpoint, endpoints, event, events, find, gaps, login,
    new_replay, nodes, one_replay, overview, replay, replays, share, shared, signature, tokens,
};
pub(crate) use self::{host::Hosts, live::Live, mount::Mount};
use crate::{api::Api, portal::Portal, sender::TrustedProxies};

/// The pages, without their state. They are answered under the names that `hosts` allows.
pub(crate) fn routes(hosts: Hosts, proxies: &TrustedProxies, portal: &Portal) -> Router<Api> {
    of_operators()
        .nest("/portal", of_portal(portal))
        // A nested router knows its first page without a slash at the end; people type it with or without.
        .route("/portal/", get(portal::open::home))
        .layer(from_fn_with_state((hosts, proxies.clone()), host::check))
        .layer(map_response(headers::protect))
}

/// The pages for those who run this server.
fn of_operators() -> Router<Api> {
    of_everybody()
        .route("/deliveries/{id}/share", post(share::delivery))
        .route("/events/{id}/share", post(share::event))
        .route("/share/{link}", get(shared::show))
        .route("/share/{link}/revoke", post(share::revoke))
        .route("/alerts", get(alerts::show))
        .route("/tokens", get(tokens::show))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/nodes", get(nodes::show))
        .route("/audit", get(audit::show))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
}

/// The pages of one tenant, for its own people.
fn of_portal(portal: &Portal) -> Router<Api> {
    let look = Arc::new(portal::Look::of(portal));
    of_everybody()
        .route("/open/{link}", get(portal::open::show))
        .route("/logout", post(portal::leave::log_out))
        .route("/look.css", get(portal::look::style))
        .layer(from_fn_with_state(look, portal::look::mark))
}

/// The pages that both have: each shows what its visitor may see.
fn of_everybody() -> Router<Api> {
    Router::new()
        .route("/", get(overview::show))
        .route("/find", get(find::show))
        .route("/events", get(events::show))
        .route("/events/{id}", get(event::show))
        .route("/events/{id}/payload", get(event::save))
        .route("/deliveries", get(deliveries::show))
        .route("/deliveries/{id}", get(delivery::show))
        .route("/deliveries/{id}/replay", post(replay::send_again))
        .route("/deliveries/{id}/verify", post(signature::check))
        .route("/endpoints", get(endpoints::show).post(endpoint::make))
        .route("/endpoints/new", get(endpoint::new))
        .route("/endpoints/{id}", get(endpoint::show))
        .route("/endpoints/{id}/{act}", post(endpoint::act))
        .route("/dead-letters", get(dead_letters::show))
        .route("/gaps", get(gaps::show).post(gaps::find))
        .route("/replays", get(replays::show).post(new_replay::begin))
        .route("/replays/new", get(new_replay::show))
        .route("/replays/{id}", get(one_replay::show))
        .route("/replays/{id}/cancel", post(one_replay::cancel))
        .route("/tail", get(deliveries::follow))
        .route("/live", get(live::show))
        .route("/assets/{name}", get(assets::send))
}
