//! Asks a running server over HTTP. TLS is rustls with the ring provider and the web's roots, given explicitly: no provider
//! is installed for the whole process.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

use super::Answer;
use crate::{
    configuration::Secret,
    failure::{Failure, Result},
};

/// The longest that one answer may take: no list of the API comes near it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A server and the token to ask it with.
#[derive(Debug)]
pub(crate) struct Remote {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    token: Secret,
}

impl Remote {
    /// For the server at a URL.
    ///
    /// # Errors
    /// [`Failure::Usage`] for anything but an `http` or `https` URL.
    pub(crate) fn new(url: &str, token: Secret) -> Result<Self> {
        let right = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = right else {
            return Err(Failure::usage(format!("--url: {url:?} is not a URL such as http://127.0.0.1:8080")));
        };
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: http_client(is_loopback(&url))?, base, token })
    }

    /// Sends one request and reads the whole answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer> {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.token.expose());
        let mut request = request.headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let (status, version) = (answer.status(), Answer::version_in(answer.headers()));
        let body = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        Ok(Answer { status, version, body })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Failure::failed(format!("no answer from {}: {cause}", self.base))
    }
}

/// Whether a URL is of this machine: then no proxy is used.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A client for peers that are ours or trusted. Nothing stands between it and this machine's own addresses.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn http_client(loopback: bool) -> Result<reqwest::Client> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Failure::failed)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(TIMEOUT);
    let builder = builder.redirect(reqwest::redirect::Policy::none());
    let builder = if loopback { builder.no_proxy() } else { builder };
    builder.build().map_err(Failure::failed)
}
