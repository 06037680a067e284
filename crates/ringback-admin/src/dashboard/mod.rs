//! Pages for people: what is wrong, and the button that puts it right.
//!
//! They are rendered here, on the server; templates escape by themselves, there is no script, and the policy that
//! goes with every page allows none. Texts that callers or receivers chose are shown through [`visible`], so that
//! they cannot look like something else either.
//!
//! Invariants: GET changes nothing. What changes something is a POST that comes from one of our own pages
//! ([`submission`]), by somebody who may ([`visitor`]).
//!
//! A page is a file in `pages/` with a template of the same name, and a line in [`routes`].

mod assets;
mod cookie;
mod form_token;
mod frame;
mod headers;
mod host;
mod moment;
mod mount;
mod origin;
mod pages;
mod refusal;
mod session;
mod submission;
mod visible;
mod visitor;

use axum::{
    Router,
    middleware::{from_fn_with_state, map_response},
    routing::{get, post},
};

pub(crate) use self::host::Hosts;
use self::pages::{delivery, login, overview, replay};
use crate::{api::Api, sender::TrustedProxies};

/// The pages, without their state. They are answered under the names that `hosts` allows.
pub(crate) fn routes(hosts: Hosts, proxies: &TrustedProxies) -> Router<Api> {
    Router::new()
        .route("/", get(overview::show))
        .route("/deliveries/{id}", get(delivery::show))
        .route("/deliveries/{id}/replay", post(replay::send_again))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/assets/{name}", get(assets::send))
        .layer(from_fn_with_state((hosts, proxies.clone()), host::check))
        .layer(map_response(headers::protect))
}
