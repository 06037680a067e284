//! How long requests to this router take, by route and status.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

/// In seconds. Each is a series for each route and status, so there are few: a look-up takes milliseconds, a commit some
/// tens of them, a large replay seconds, and 120 s is the longest that there is.
const BUCKETS: [f64; 9] = [0.002_5, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];

/// Stands for all paths that no route has: paths are the caller's, and must not become labels.
const UNMATCHED: &str = "unmatched";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

/// The requests of one router.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    durations: Family<Answered, Histogram>,
    /// Where the router is mounted: labels are the same everywhere.
    base_path: Arc<str>,
}

impl Requests {
    pub(crate) fn below(base_path: &str) -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        Self { durations, base_path: base_path.into() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "ringback_http_request_duration",
            "How long requests to the API and the dashboard took until their answers began, by route and status code",
            Unit::Seconds,
            self.durations.clone(),
        );
    }

    fn route_of(&self, request: &Request) -> String {
        let Some(matched) = request.extensions().get::<MatchedPath>() else { return UNMATCHED.to_owned() };
        matched.as_str().strip_prefix(&*self.base_path).unwrap_or(matched.as_str()).to_owned()
    }

    /// Measures a request.
    pub(crate) async fn observe<F: Future<Output = Response>>(
        &self,
        request: Request,
        answer: impl FnOnce(Request) -> F,
    ) -> Response {
        let (begun, route) = (Instant::now(), self.route_of(&request));
        let response = answer(request).await;
        let answered = Answered { route, status: response.status().as_u16() };
        self.durations.get_or_create(&answered).observe(begun.elapsed().as_secs_f64());
        response
    }
}
