//! Ringback's admin API: emit events, configure endpoints, see what became of deliveries, replay them; and, if wanted,
//! pages for people.
//!
//! ```no_run
//! # async fn mount(engine: ringback::Engine) -> Result<(), ringback_admin::InvalidBasePath> {
//! use ringback_admin::Options;
//!
//! let options = Options::with_token("a token of 16 to 256 characters").base_path("/ringback")?;
//! let app: axum::Router = axum::Router::new().merge(ringback_admin::router(engine, options));
//! # Ok(())
//! # }
//! ```
//!
//! The router is a tower service like any other: it can be merged, nested or called without a socket. Nothing
//! but the engine is behind it; several nodes may serve it side by side.
//!
//! Every refusal is `application/problem+json`; see the crate's README for the codes.

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod address;
mod api;
mod auth;
mod cursor;
mod dashboard;
mod extract;
mod guards;
mod memory;
mod openapi;
mod options;
pub mod portal;
mod problem;
mod request_id;
mod sender;
mod unasked;
mod unread;
mod view;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

use axum::{Router, middleware, response::Redirect, routing::get};
use ringback::Engine;
use tower_http::catch_panic::CatchPanicLayer;

use self::{api::metrics::Requests, guards::Guards};
pub use self::{
    auth::{Access, Scope},
    options::{InvalidBasePath, Options},
    problem::refusal,
    sender::{Network, TrustedProxies},
};

/// The admin API of `engine`.
///
/// With a base path it answers only requests below that path, unless it is [`Options::alone`]; without one it also answers
/// unknown paths, with a 404.
pub fn router(engine: Engine, options: Options) -> Router {
    let (routes, described) = api::routes().split_for_parts();
    let unread = unasked::Unread::of(&described);
    let mut routes = routes.route_layer(middleware::from_fn_with_state(unread, unasked::refuse));
    if let Some(hosts) = options.dashboard {
        // Pages are no part of the API, so they are not in its description.
        routes = routes.merge(dashboard::routes(hosts, &options.proxies, &options.portal));
    }
    let document = openapi::document(described, &options.base_path);
    let requests = Requests::below(&options.base_path);
    let guards = Guards::new(memory::Budget::of(options.request_memory_max), requests.clone());
    let state = api::State::new(engine, options.admission, options.proxies, document, &requests);
    let state = api::State { public_url: options.public_url.map(Into::into), end: options.end, ..state };
    let routes = guarded(routes, &guards).with_state(api::Api::from(state));
    let base_path = options.base_path.as_str();
    if base_path.is_empty() {
        return routes;
    }
    let mut mounted = Router::new().nest(base_path, routes);
    if options.dashboard.is_some() {
        // A nested router knows its first page without a slash at the end; people type it with or without.
        let home = get(Redirect::to(base_path)).fallback(problem::method_not_allowed);
        mounted = mounted.route(&format!("{base_path}/"), home.layer(middleware::from_fn(guards::guard_small)));
    }
    if options.is_alone { mounted.fallback_service(guarded(Router::new(), &guards)) } else { mounted }
}

/// The routes, with an answer for everything that none of them answers.
fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>, guards: &Guards) -> Router<S> {
    routes
        .fallback(problem::not_found_here)
        .method_not_allowed_fallback(problem::method_not_allowed)
        // The first is the outermost. Added as one tuple, since each separate layer costs every request a few allocations.
        .layer((
            middleware::from_fn_with_state(guards.clone(), guards::guard),
            CatchPanicLayer::custom(problem::panicked),
        ))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode, header};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn defect() {
        panic!("hunter2");
    }

    fn guards() -> Guards {
        Guards::new(memory::Budget::of(0), Requests::below(""))
    }

    /// What a route answers to a request that says this about itself.
    async fn answer(routes: Router, request_id: Option<&str>) -> (StatusCode, String, serde_json::Value) {
        let mut request = Request::get("/");
        if let Some(id) = request_id {
            request = request.header("x-request-id", id);
        }
        let response = guarded(routes, &guards()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let (status, body) = (response.status(), response.into_body().collect().await.unwrap().to_bytes());
        (status, id, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_a_problem() {
        let routes = Router::new().route("/", get(std::future::pending::<()>));
        let (status, _, problem) = answer(routes, None).await;
        assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"timed_out".into()));
    }

    #[tokio::test]
    async fn every_answer_has_an_id_and_a_refusal_names_it() {
        let routes = || Router::new().route("/", get(defect));
        let (_, id, problem) = answer(routes(), Some("call-42:1.a_B")).await;
        assert_eq!((id.as_str(), &problem["instance"]), ("call-42:1.a_B", &"urn:request:call-42:1.a_B".into()));
        let mut made = std::collections::HashSet::new();
        let too_long = "a".repeat(129);
        for unusable in [None, Some(""), Some("a b"), Some("a\tb"), Some("<a>"), Some(too_long.as_str())] {
            let (_, id, problem) = answer(routes(), unusable).await;
            assert_eq!(problem["instance"], format!("urn:request:{id}"));
            assert!(made.insert(id));
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let routes: Router = guarded(Router::new().route("/", get(defect)), &guards());
        let response = routes.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
    }
}
