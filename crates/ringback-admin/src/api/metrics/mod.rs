//! `/metrics`: figures for Prometheus and what understands its formats. Labels are Ringback's own words and routes, so their
//! number is bounded.
//!
//! The page is written from memory. The few gauges that are the database's are asked of it at most once a second, and waited
//! for a moment only: while it does not answer they are left out, and the page is not.

mod format;
#[cfg(target_os = "linux")]
mod process;
mod requests;

use axum::{extract::State, response::IntoResponse};
use http::{HeaderMap, header};
use prometheus_client::registry::Registry;
use ringback::Engine;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::format::Format;
pub(crate) use self::requests::Requests;
use super::Api;
use crate::{auth::Monitor, problem::Problem};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// All that a router shows: its engine's figures, its own, and those of the process.
pub(crate) fn registry(engine: &Engine, requests: &Requests) -> Registry {
    let mut registry = Registry::default();
    engine.metrics().register(&mut registry);
    requests.register(&mut registry);
    #[cfg(target_os = "linux")]
    process::register(&mut registry);
    registry
}

/// Figures for Prometheus
///
/// Counters and histograms are this process's; gauges are the whole installation's, and every node tells the same, unless
/// they say that they are this process's. In OpenMetrics' text format if `Accept` prefers it, otherwise in Prometheus' own.
/// While the database is away, the gauges that it is asked for are left out, and `ringback_store_up` is 0. A token that is
/// bound to a tenant is not for this: the figures are of all.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "health",
    responses(
        (
            status = 200,
            description = "The figures, in the format that was asked for.",
            content((String = "text/plain"), (String = "application/openmetrics-text")),
        ),
    ),
    security(("token" = ["read"])),
)]
async fn read(
    State(api): State<Api>,
    Monitor(access): Monitor,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    if access.tenant.is_some() {
        return Err(Problem::forbidden());
    }
    api.engine.refresh_metrics().await;
    let format = Format::preferred(&headers);
    let page = format.write(&api.registry).map_err(|error| {
        tracing::error!(%error, "the figures could not be written");
        Problem::internal()
    })?;
    Ok(([(header::CONTENT_TYPE, format.content_type())], page))
}
