//! `/metrics`: figures for Prometheus, in its text format. Labels are Ringback's own words, so their number is bounded.
//!
//! Counters count what this process did and begin at zero; gauges are of the whole installation, read when asked for.

use std::fmt::{Display, Write as _};

use axum::{extract::State, response::IntoResponse};
use http::header;
use ringback::{attempt::ErrorClass, metrics::Metrics, operate::figures::Waiting};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{auth::Reader, problem::Problem};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Figures for Prometheus
///
/// Counters are this process's; gauges are the whole installation's, and every node tells the same. A token that is
/// bound to a tenant is not for this: the figures are of all.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "health",
    responses(
        (status = 200, description = "Prometheus' text format.", body = String, content_type = "text/plain"),
    ),
    security(("token" = ["read"])),
)]
async fn read(State(api): State<Api>, Reader(access): Reader) -> Result<impl IntoResponse, Problem> {
    if access.tenant.is_some() {
        return Err(Problem::forbidden());
    }
    let waiting = api.engine.waiting().await?;
    let text = written(api.engine.metrics(), &waiting);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn written(metrics: &Metrics, waiting: &Waiting) -> String {
    let mut page = Page::default();
    page.family(
        "ringback_events_accepted_total",
        "counter",
        "Events stored, or emitted by SQL or Rust and routed here.",
    );
    page.sample("ringback_events_accepted_total", "", metrics.events_accepted());
    page.family("ringback_attempts_total", "counter", "Attempts recorded by this process, by how they ended.");
    for attempts in metrics.attempts() {
        let error = attempts.error.map(|error: ErrorClass| word(&error)).unwrap_or_default();
        let labels = format!("{{outcome=\"{}\",error=\"{error}\"}}", word(&attempts.outcome));
        page.sample("ringback_attempts_total", &labels, attempts.count);
    }
    page.family("ringback_requests_open", "gauge", "Requests to receivers that this process has open.");
    page.sample("ringback_requests_open", "", metrics.requests_open());
    page.family("ringback_deliveries_pending", "gauge", "Deliveries that are owed; 100000 stands for any more.");
    page.sample("ringback_deliveries_pending", "", waiting.pending);
    page.family(
        "ringback_oldest_due_age_seconds",
        "gauge",
        "For how long the delivery that has been due for longest has been, held ones included.",
    );
    page.sample("ringback_oldest_due_age_seconds", "", waiting.oldest_due.unwrap_or_default().as_secs_f64());
    page.family("ringback_lanes_held", "gauge", "Lanes that may not send now: held, paused or not enabled.");
    page.sample("ringback_lanes_held", "", waiting.lanes_held);
    page.0
}

/// The API's word for a value.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}
