//! The admin API as the commands use it, over one of two transports.
//!
//! Without `--url` the store is opened here and the same router runs in this process; with `--url` and `--token` a running
//! server is asked. So a command behaves the same either way, and `--json` prints the API's own answer.

mod answer;
mod connection;
mod direct;
mod flag;
mod remote;
pub(crate) mod views;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::direct::Direct;
#[cfg(feature = "otlp")]
pub(crate) use self::remote::{http_client, is_loopback};
pub(crate) use self::{answer::Answer, connection::Connection, flag::spelled, remote::Remote};
use crate::failure::{Failure, Result};

/// Asks the admin API.
#[derive(Debug)]
pub(crate) enum Client {
    /// In this process.
    Direct(Box<Direct>),
    /// Over HTTP.
    Remote(Remote),
}

impl Client {
    /// `GET path?query`.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Answer> {
        self.call(Method::GET, &asked(path, query), None).await
    }

    /// `POST path?query` with lines of JSON.
    pub(crate) async fn post_lines(&self, path: &str, query: &[(&str, String)], lines: Vec<u8>) -> Result<Answer> {
        let kind = HeaderValue::from_static("application/x-ndjson");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
        self.send(Method::POST, &asked(path, query), headers, Some(Bytes::from(lines))).await
    }

    /// `POST path` with a JSON body, or with none.
    pub(crate) async fn post(&self, path: &str, body: Option<Vec<u8>>) -> Result<Answer> {
        self.call(Method::POST, path, body.map(Bytes::from)).await
    }

    /// `method path` with a JSON body, or with none; if a version is given, only if the object has that version.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        version: Option<u64>,
    ) -> Result<Answer> {
        let mut headers = HeaderMap::new();
        if let Some(version) = version {
            let tag = HeaderValue::try_from(format!("\"{version}\"")).map_err(Failure::failed)?;
            headers.insert(header::IF_MATCH, tag);
        }
        self.send(method, path, headers, body.map(Bytes::from)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer> {
        self.send(method, path, HeaderMap::new(), body).await
    }

    async fn send(&self, method: Method, path: &str, mut headers: HeaderMap, body: Option<Bytes>) -> Result<Answer> {
        if body.is_some() {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        match self {
            Self::Direct(direct) => direct.call(method, path, headers, body).await,
            Self::Remote(remote) => remote.call(method, path, headers, body).await,
        }
    }
}

/// A path with its query, if it has one.
fn asked(path: &str, query: &[(&str, String)]) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(query);
    let query = pairs.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Encodes an id or a key as one segment of a path, whatever characters it has.
pub(crate) fn segment(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}
