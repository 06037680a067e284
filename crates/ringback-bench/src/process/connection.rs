//! A kept-alive HTTP/1.1 connection to somebody on this machine, one request after the other.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use crate::failure::{Failure, Result, While as _};

/// How long the API may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open connection.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    authority: String,
}

/// `127.0.0.1:8080` of `http://127.0.0.1:8080/path`.
pub(crate) fn authority(url: &str) -> &str {
    let rest = url.trim_start_matches("http://");
    rest.split('/').next().unwrap_or(rest)
}

impl Connection {
    /// Connects to `authority`, `address:port`.
    pub(crate) async fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority).await.during(&format!("connecting to {authority}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // Its end shows in the next request.
            let _ = connection.await;
        });
        Ok(Self { sender, authority: authority.to_owned() })
    }

    /// A request that is still without headers of its own.
    pub(crate) fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        Request::builder().method(method).uri(path).header(header::HOST, &self.authority)
    }

    /// Sends and reads the whole answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        self.answer(request).await.map(|answer| (answer.status(), answer.into_body()))
    }

    /// The same with its head.
    pub(crate) async fn answer(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>> {
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }

    /// Asks the API; a status other than 2xx is a failure with what the server said.
    pub(crate) async fn api(&mut self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map_or_else(String::new, Value::to_string);
        let answer = self.bytes(token, method, path, "application/json", body).await?;
        if answer.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&answer)?) }
    }

    /// The same with a body of any type, and the answer as it comes.
    pub(crate) async fn bytes(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Bytes> {
        let request = self
            .request(method, path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, content_type)
            .body(Full::from(body))?;
        let asked = format!("{method} {path}");
        let (status, answer) = timeout(PATIENCE, self.send(request)).await.during(&asked)?.during(&asked)?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&answer);
            return Err(Failure::new(format!("{asked} was answered with {status}: {said}")));
        }
        Ok(answer)
    }
}
