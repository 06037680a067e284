//! The admin API as the commands use it, over one of two transports.
//!
//! Without `--url` the store is opened here and the very same router is driven in this process; with `--url` and
//! `--token` a running server is asked. So a command behaves the same either way, and `--json` prints what the
//! API itself answered.

mod answer;
mod connection;
mod direct;
mod flag;
mod remote;
pub(crate) mod views;

use bytes::Bytes;
use http::Method;

use self::direct::Direct;
pub(crate) use self::{answer::Answer, connection::Connection, flag::spelled, remote::Remote};
use crate::failure::Result;

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
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(query);
        let query = pairs.finish();
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        self.call(Method::GET, &path, None).await
    }

    /// `POST path` with a JSON body, or with none.
    pub(crate) async fn post(&self, path: &str, body: Option<Vec<u8>>) -> Result<Answer> {
        self.call(Method::POST, path, body.map(Bytes::from)).await
    }

    /// `PATCH path` with a JSON merge patch.
    pub(crate) async fn patch(&self, path: &str, body: Vec<u8>) -> Result<Answer> {
        self.call(Method::PATCH, path, Some(Bytes::from(body))).await
    }

    /// `DELETE path`.
    pub(crate) async fn delete(&self, path: &str) -> Result<Answer> {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer> {
        match self {
            Self::Direct(direct) => direct.call(method, path, body).await,
            Self::Remote(remote) => remote.call(method, path, body).await,
        }
    }
}

/// An id as one segment of a path, whatever was typed.
pub(crate) fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
