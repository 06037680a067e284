//! Ringback's admin API: hand in events, configure endpoints, see what became of deliveries, replay them; and, if
//! wanted, pages for people.
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

mod api;
mod auth;
mod cursor;
mod dashboard;
mod extract;
mod options;
mod problem;
mod view;

use axum::{Router, response::Response};
use http::{HeaderValue, header};
use ringback::Engine;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::{
    auth::{Access, Scope},
    options::{InvalidBasePath, Options},
};

/// The admin API of `engine`.
///
/// With a base path it answers only below that path; without one it also answers what it does not know, with a 404.
pub fn router(engine: Engine, options: Options) -> Router {
    let mut routes = api::routes();
    if let Some(hosts) = options.dashboard {
        routes = routes.merge(dashboard::routes(hosts));
    }
    let routes = guarded(routes).with_state(api::Api::new(engine, options.admission));
    match options.base_path.as_str() {
        "" => routes,
        base_path => Router::new().nest(base_path, routes),
    }
}

/// The routes, with an answer for everything that none of them answers.
fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .fallback(problem::not_found_here)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(axum::middleware::map_response(guard))
}

/// Answers hold payloads, and once a secret: no cache may keep them unless they say so themselves, no browser may guess
/// at them.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn defect() {
        panic!("hunter2");
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let routes: Router = guarded(Router::new().route("/", get(defect)));
        let response = routes.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
    }
}
