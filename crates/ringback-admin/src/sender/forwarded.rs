//! What trusted proxies tell about a request: its sender's address, and whether the browser used https.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, HeaderName, request::Parts};

use super::TrustedProxies;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How a request came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Way {
    /// Through a proxy that is trusted.
    pub(crate) through_proxy: bool,
    /// Whether the browser spoke https to that proxy, if the proxy says.
    pub(crate) https: Option<bool>,
}

impl TrustedProxies {
    /// The address that sent the request: the other end of the connection; or, if that is a trusted proxy, the right-most
    /// address of `X-Forwarded-For` that is no trusted proxy's. Each proxy adds on the right the address that it was asked
    /// from, so anything left of that one may be invented. `None` if the server does not tell the other end's address.
    pub(crate) fn sender(&self, request: &Parts) -> Option<IpAddr> {
        let peer = peer(request)?;
        if !self.trusts(peer) {
            return Some(peer);
        }
        let mut sender = peer;
        for address in forwarded_for(&request.headers) {
            sender = address;
            if !self.trusts(address) {
                break;
            }
        }
        Some(sender)
    }

    /// How the request came here; only a trusted proxy's headers are read.
    pub(crate) fn way(&self, request: &Parts) -> Way {
        if !peer(request).is_some_and(|peer| self.trusts(peer)) {
            return Way::default();
        }
        Way { through_proxy: true, https: https(&request.headers) }
    }
}

fn peer(request: &Parts) -> Option<IpAddr> {
    request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

/// The addresses of all header lines as one list, from right to left. Entries that are no addresses are skipped.
fn forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = IpAddr> {
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).filter_map(address)
}

/// An address as proxies write it: bare, with a port, in brackets, in quotes.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// Whether `X-Forwarded-Proto` says https. If several proxies wrote to it, the first entry is about the browser.
fn https(headers: &HeaderMap) -> Option<bool> {
    let proto = headers.get(FORWARDED_PROTO)?.to_str().ok()?.split(',').next()?.trim();
    match proto.to_ascii_lowercase().as_str() {
        "https" => Some(true),
        "http" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(peer: Option<&str>, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder();
        if let Some(peer) = peer {
            request = request.extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn trusted() -> TrustedProxies {
        ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).into_iter().collect()
    }

    #[test]
    fn the_right_most_address_that_is_no_trusted_proxy_has_sent_it() {
        let sent = |peer: &str, lines: &[&str]| {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            trusted().sender(&parts(Some(peer), &headers)).unwrap().to_string()
        };
        for (peer, lines, expected) in [
            ("192.0.2.1:5000", &["198.51.100.7"][..], "192.0.2.1"),
            ("127.0.0.1:5000", &[], "127.0.0.1"),
            ("127.0.0.1:5000", &["198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1:5000", &["203.0.113.1, 198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1:5000", &["203.0.113.1, 198.51.100.7, 10.0.0.1,10.0.0.2"], "198.51.100.7"),
            ("127.0.0.1:5000", &["203.0.113.1", "198.51.100.7", "10.0.0.1"], "198.51.100.7"),
            ("127.0.0.1:5000", &["198.51.100.7, unknown, , 999.1.1.1"], "198.51.100.7"),
            ("127.0.0.1:5000", &["unknown"], "127.0.0.1"),
            ("127.0.0.1:5000", &["10.0.0.9, 10.0.0.1"], "10.0.0.9"),
            ("127.0.0.1:5000", &["198.51.100.7:4711"], "198.51.100.7"),
            ("127.0.0.1:5000", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1:5000", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1:5000", &["\"2001:db8::1\""], "2001:db8::1"),
            ("127.0.0.1:5000", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("[::ffff:127.0.0.1]:5000", &["198.51.100.7, ::ffff:10.0.0.1"], "198.51.100.7"),
            ("[fd00::1]:5000", &["198.51.100.7"], "198.51.100.7"),
        ] {
            assert_eq!(sent(peer, lines), expected, "{peer} {lines:?}");
        }
        assert_eq!(trusted().sender(&parts(None, &[("x-forwarded-for", "198.51.100.7")])), None);
        let nobody = TrustedProxies::default().sender(&parts(Some("127.0.0.1:1"), &[("x-forwarded-for", "192.0.2.7")]));
        assert_eq!(nobody.unwrap().to_string(), "127.0.0.1");
    }

    #[test]
    fn https_is_what_a_trusted_proxy_says() {
        let way = |peer: Option<&str>, proto: &str| trusted().way(&parts(peer, &[("x-forwarded-proto", proto)]));
        let proxied = |https| Way { through_proxy: true, https };
        assert_eq!(way(Some("127.0.0.1:1"), "https"), proxied(Some(true)));
        assert_eq!(way(Some("127.0.0.1:1"), "HTTPS, http"), proxied(Some(true)));
        assert_eq!(way(Some("127.0.0.1:1"), "http"), proxied(Some(false)));
        assert_eq!(way(Some("127.0.0.1:1"), "gopher"), proxied(None));
        assert_eq!(way(Some("192.0.2.1:1"), "https"), Way::default());
        assert_eq!(way(None, "https"), Way::default());
    }
}
