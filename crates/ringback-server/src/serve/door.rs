//! Judges requests before the router is asked: whether there is exactly one `Host` (RFC 9112 §3.2), and, if the connection
//! has a place in the reserve of `places`, whether the request may use the reserve.

use std::{net::SocketAddr, sync::Arc};

use axum::{body::Body, extract::ConnectInfo, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, Version, header};
use hyper::body::{Body as _, Incoming};

use super::{ours::Outgoing, places::Place};

/// The paths that monitoring asks for: requests to them may use a place in the reserve.
const WATCHED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The door of one connection.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
    /// The prefix of every path.
    pub(super) base_path: Arc<str>,
    pub(super) outgoing: Arc<Outgoing>,
}

impl Door {
    /// The request as the router gets it.
    ///
    /// # Errors
    /// Why the router does not get it.
    pub(super) fn admit(&self, mut request: Request<Incoming>) -> Result<Request<Incoming>, Refused> {
        judge_host(request.version(), request.headers())?;
        if let Some(host) = host_of_target(request.uri()) {
            // The host of an absolute target overrides the header (RFC 9112 §3.2.2).
            request.headers_mut().insert(header::HOST, host);
            let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
            *request.uri_mut() = path.parse().unwrap_or_default();
        }
        let is_for_reserve = |is_near| is_near || (self.is_watched(request.uri()) && request.body().is_end_stream());
        if self.place.of_reserve().is_some_and(|is_near| !is_for_reserve(is_near)) {
            return Err(Refused::NoPlace);
        }
        self.place.mark_heard();
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Ok(request)
    }

    /// The answer to a request that the router does not get. The connection is closed after it.
    pub(super) fn refuse(&self, refused: Refused) -> Response {
        self.outgoing.refuse();
        self.outgoing.hand_over(closing(refused.answer().map(Body::from)))
    }

    /// The answer as it is sent. In the reserve it closes the connection: a place there is for one request.
    pub(super) fn answer(&self, response: Response) -> Response {
        self.outgoing.hand_over(if self.place.of_reserve().is_some() { closing(response) } else { response })
    }

    fn is_watched(&self, uri: &Uri) -> bool {
        uri.path().strip_prefix(&*self.base_path).is_some_and(|path| WATCHED.contains(&path))
    }
}

/// Checks that there is exactly one `Host`; HTTP/1.0 may have none.
fn judge_host(version: Version, headers: &HeaderMap) -> Result<(), Refused> {
    match headers.get_all(header::HOST).iter().count() {
        1 => Ok(()),
        0 if version < Version::HTTP_11 => Ok(()),
        0 => Err(Refused::NoHost),
        _ => Err(Refused::SeveralHosts),
    }
}

/// `example.com:8080` of `GET http://user@example.com:8080/path`.
fn host_of_target(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    HeaderValue::from_str(host).ok()
}

/// Why the router does not get a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// HTTP/1.1 without a `Host`.
    NoHost,
    /// More than one `Host`.
    SeveralHosts,
    /// The reserve is for other requests.
    NoPlace,
}

impl Refused {
    fn answer(self) -> http::Response<Bytes> {
        let bad_host = |code, detail| ringback_admin::refusal(StatusCode::BAD_REQUEST, code, detail, Some("Host"));
        match self {
            Self::NoHost => bad_host("required", "is missing: a request of HTTP/1.1 must have one"),
            Self::SeveralHosts => bad_host("duplicate_parameter", "must stand there once"),
            Self::NoPlace => {
                let detail =
                    "There are as many connections as there may be, of all or of this address; try again later.";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let mut refusal = ringback_admin::refusal(status, "too_many_connections", detail, None);
                refusal.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                refusal
            }
        }
    }
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stands_there_once() {
        let judged = |version, hosts: &[&'static str]| {
            let headers = hosts.iter().map(|host| (header::HOST, HeaderValue::from_static(host))).collect();
            judge_host(version, &headers)
        };
        assert_eq!(judged(Version::HTTP_11, &["a"]), Ok(()));
        assert_eq!(judged(Version::HTTP_11, &[]), Err(Refused::NoHost));
        assert_eq!(judged(Version::HTTP_10, &[]), Ok(()));
        assert_eq!(judged(Version::HTTP_11, &["a", "a"]), Err(Refused::SeveralHosts));
        assert_eq!(judged(Version::HTTP_10, &["a", "b"]), Err(Refused::SeveralHosts));
    }

    #[test]
    fn a_target_may_name_the_host() {
        let host = |target: &str| host_of_target(&target.parse().unwrap());
        assert_eq!(host("/v1/events"), None);
        assert_eq!(host("http://ops.example.com:8080/x").unwrap(), "ops.example.com:8080");
        assert_eq!(host("http://localhost@evil.example/x").unwrap(), "evil.example");
    }
}
