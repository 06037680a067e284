//! Opens the store and drives the admin router in this process. It sends nothing to receivers: events that are emitted or
//! replayed are sent by a process that serves.

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use ringback::{Engine, audit::Who};
use tower::ServiceExt as _;

use super::Answer;
use crate::{
    configuration::Configuration,
    failure::{Failure, Result},
    secrets::{self, Missing},
    stores::{self, Schema},
};

/// The router over a store that this process has opened.
#[derive(Debug)]
pub(crate) struct Direct {
    router: Router,
}

impl Direct {
    /// Opens the store that the configuration names. It must exist and have the schema of this version.
    ///
    /// # Errors
    /// What is missing, and how to create it.
    pub(crate) async fn open(configuration: &Configuration) -> Result<Self> {
        let store = stores::open(configuration, Schema::Check).await?;
        let keys = secrets::master_keys(configuration, Missing::Refuse)?;
        let settings = stores::settings(configuration, keys);
        let engine = Engine::open(store, settings).await.map_err(Failure::failed)?;
        // Links begin with the address at which the server of this configuration is reached.
        let origin = configuration.public_url.as_ref().map(|url| url.0.clone());
        let origin = origin.unwrap_or_else(|| format!("http://{}", configuration.bind));
        let options = ringback_admin::Options::trusting_host();
        let options = options.public_url(format!("{origin}{}", configuration.base_path.0));
        Ok(Self { router: ringback_admin::router(engine, options) })
    }

    /// Drives the router with one request.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer> {
        let request = Request::builder().method(method).uri(path).extension(Who::CommandLine);
        let mut request = request.body(Body::from(body.unwrap_or_default())).map_err(Failure::failed)?;
        request.headers_mut().extend(headers);
        let answer = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (status, version) = (answer.status(), Answer::version_in(answer.headers()));
        let body = answer.into_body().collect().await.map_err(Failure::failed)?.to_bytes();
        Ok(Answer { status, version, body })
    }
}
