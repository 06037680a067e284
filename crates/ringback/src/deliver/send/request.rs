//! A signed request as it goes onto the wire.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{CONTENT_LENGTH, HOST},
    uri::PathAndQuery,
};
use http_body_util::Full;
use url::{Position, Url};

use super::super::sign::Signed;
use super::connection::Message;
use crate::egress::without_root;

/// The request for one attempt; `None` if the URL has no form that HTTP could carry.
pub(super) fn message(signed: &Signed) -> Option<Message> {
    let mut message = Message::new(Full::new(signed.body.clone()));
    *message.method_mut() = signed.method.into();
    *message.uri_mut() = target(&signed.url)?;
    *message.headers_mut() = headers(signed)?;
    signed.spelling.put_on(&mut message);
    Some(message)
}

/// Bytes that the request takes on the wire.
pub(super) fn length(message: &Message, body: &Bytes) -> u64 {
    let path = message.uri().path_and_query().map_or(1, |path| path.as_str().len());
    let line = message.method().as_str().len() + "  HTTP/1.1\r\n\r\n".len() + path;
    let has_spelling = !message.extensions().is_empty();
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        // hyper leaves out the blank before an empty value when it preserves the spelling of names.
        let blank = usize::from(!(has_spelling && value.is_empty()));
        name.as_str().len() + value.len() + ":\r\n".len() + blank
    };
    let fields: usize = message.headers().iter().map(field).sum();
    (line + fields + body.len()) as u64
}

fn target(url: &Url) -> Option<Uri> {
    let path = &url[Position::BeforePath..Position::AfterQuery];
    Some(PathAndQuery::try_from(path).ok()?.into())
}

/// `host` first, as RFC 9110 asks; `content-length` always, which hyper would leave out of an empty request.
fn headers(signed: &Signed) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(signed.headers.len() + 2);
    headers.insert(HOST, authority(&signed.url)?);
    for (name, value) in &signed.headers {
        headers.append(name, value.clone());
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(signed.body.len()));
    Some(headers)
}

/// The host without the dot of the DNS root, and the port unless it is the scheme's own.
fn authority(url: &Url) -> Option<HeaderValue> {
    let host = without_root(url.host_str()?);
    match url.port() {
        None => HeaderValue::from_str(host).ok(),
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Spelling, *};

    fn signed(url: &str) -> Signed {
        let headers = HeaderMap::from_iter([(http::header::USER_AGENT, HeaderValue::from_static("t"))]);
        let (method, url) = (crate::endpoint::Method::Post, Url::parse(url).unwrap());
        Signed { method, url, headers, spelling: Spelling::default(), body: Bytes::new(), identity: None }
    }

    #[test]
    fn host_names_the_port_only_if_it_is_unusual() {
        let host = |url: &str| message(&signed(url)).unwrap().headers()[HOST].to_str().unwrap().to_owned();
        assert_eq!(host("https://example.com:443/x"), "example.com");
        assert_eq!(host("http://example.com:80/x"), "example.com");
        assert_eq!(host("https://example.com:8443/x"), "example.com:8443");
        assert_eq!(host("https://example.com./x"), "example.com");
        assert_eq!(host("https://[2606:4700::1111]:8443/x"), "[2606:4700::1111]:8443");
    }

    #[test]
    fn path_and_query_stay_as_they_were_registered() {
        let target = |url: &str| message(&signed(url)).unwrap().uri().to_string();
        assert_eq!(target("https://example.com"), "/");
        assert_eq!(target("https://example.com?a=%20b&c={d}|e"), "/?a=%20b&c={d}|e");
        assert_eq!(target("https://example.com/a/%2e%2f[x]^`é?ü"), "/a/%2e%2f[x]^%60%C3%A9?%C3%BC");
    }

    #[test]
    fn an_empty_request_says_so() {
        assert_eq!(message(&signed("https://example.com")).unwrap().headers()[CONTENT_LENGTH], "0");
    }
}
