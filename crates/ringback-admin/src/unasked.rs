//! Routes that take no parameters refuse those that come all the same: `DELETE …?dry_run=true` must delete nothing. Which
//! routes those are is said by their descriptions, so that none can forget it.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::Method;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::extract::Parameters;

/// Below this every parameter counts. What is asked by machines that watch (`/healthz?t=1`) stays as it is.
const STRICT: &str = "/v1/";

/// The operations that take no parameters: method and route.
#[derive(Debug, Clone)]
pub(crate) struct WithoutQuery(Arc<HashSet<(String, String)>>);

impl WithoutQuery {
    pub(crate) fn of(described: &OpenApi) -> Self {
        let document = serde_json::to_value(described).unwrap_or_default();
        let paths = document["paths"].as_object().into_iter().flatten().filter(|(path, _)| path.starts_with(STRICT));
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        });
        Self(Arc::new(operations.filter(|it| !reads_query(it.2)).map(|(method, path, _)| (method, path)).collect()))
    }

    /// The router may be nested, so that a path is the end of the matched one.
    fn holds(&self, method: &Method, matched: &str) -> bool {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let path = matched.rfind(STRICT).map_or(matched, |at| &matched[at..]);
        self.0.contains(&(method.to_string(), path.to_owned()))
    }
}

fn reads_query(operation: &Value) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["in"] == "query")
}

/// Refuses parameters that the route would not read.
pub(crate) async fn refuse(
    State(without): State<WithoutQuery>,
    matched: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    if let Some(query) = request.uri().query()
        && without.holds(request.method(), matched.as_str())
        && let Err(problem) = Parameters::of(query).refuse_all()
    {
        return problem.into_response();
    }
    next.run(request).await
}
