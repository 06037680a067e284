//! Refuses parameters and keys that a route does not read: `DELETE …?dry_run=true` must delete nothing, and a request with
//! an `Idempotency-Key` must not be carried out twice. The routes' descriptions say what they read, so that no route can
//! forget this check.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::Method;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::{
    extract::{IDEMPOTENCY_KEY, Parameters, has_key, refused_key},
    problem::Problem,
};

/// Routes below this are checked. Others, which monitoring asks (`/healthz?t=1`), may have any parameters.
const STRICT: &str = "/v1/";

/// The methods of operations by their routes.
#[derive(Debug, Default)]
struct Operations(HashMap<String, Vec<Method>>);

impl Operations {
    fn has(&self, method: &Method, route: &str) -> bool {
        self.0.get(route).is_some_and(|methods| methods.contains(method))
    }
}

/// What operations do not read.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    /// Operations that take no parameters in their query.
    without_query: Arc<Operations>,
    /// Operations whose repetition has an effect, and that take no `Idempotency-Key`. GET, PUT and DELETE are idempotent by
    /// themselves (RFC 9110 §9.2.2), so a key does no harm there.
    without_key: Arc<Operations>,
}

impl Unread {
    pub(crate) fn of(described: &OpenApi) -> Self {
        let document = serde_json::to_value(described).unwrap_or_default();
        let paths = document["paths"].as_object().into_iter().flatten().filter(|(path, _)| path.starts_with(STRICT));
        let operations: Vec<_> = paths
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().into_iter().flatten();
                methods.filter_map(move |(method, operation)| {
                    let method = Method::from_bytes(method.to_uppercase().as_bytes()).ok()?;
                    Some((method, path, operation))
                })
            })
            .collect();
        let those = |wanted: fn(&Method, &Value) -> bool| {
            let mut those = Operations::default();
            for (method, path, _) in operations.iter().filter(|(method, _, operation)| wanted(method, operation)) {
                those.0.entry((*path).clone()).or_default().push(method.clone());
            }
            Arc::new(those)
        };
        Self {
            without_query: those(|_, operation| !reads(operation, |parameter| parameter["in"] == "query")),
            without_key: those(|method, operation| {
                [Method::POST, Method::PATCH].contains(method)
                    && !reads(operation, |parameter| {
                        let name = parameter["name"].as_str().unwrap_or_default();
                        parameter["in"] == "header" && name.eq_ignore_ascii_case(IDEMPOTENCY_KEY)
                    })
            }),
        }
    }

    fn check(&self, request: &Request, matched: &str) -> Result<(), Problem> {
        // The router may be nested, so that a path is the end of the matched one.
        let path = matched.rfind(STRICT).map_or(matched, |at| &matched[at..]);
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        if let Some(query) = request.uri().query()
            && self.without_query.has(method, path)
        {
            Parameters::of(query).refuse_all()?;
        }
        if has_key(request.headers()) && self.without_key.has(method, path) {
            return Err(refused_key());
        }
        Ok(())
    }
}

fn reads(operation: &Value, wanted: impl Fn(&Value) -> bool) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(wanted)
}

/// Refuses parameters and keys that the route would not read.
pub(crate) async fn refuse(
    State(unread): State<Unread>,
    matched: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    if let Err(problem) = unread.check(&request, matched.as_str()) {
        return problem.into_response();
    }
    next.run(request).await
}
