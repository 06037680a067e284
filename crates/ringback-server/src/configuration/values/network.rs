//! Values about networks: where the API is, and where requests may go.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use ringback::egress::AllowEntry;
use url::Url;

use super::super::value::Value;

impl Value for SocketAddr {
    const NAME: &'static str = "ADDR:PORT";

    fn expected() -> String {
        "an IP address with a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The prefix of every path, without a slash at its end; may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BasePath(pub(crate) String);

impl Value for BasePath {
    const NAME: &'static str = "PATH";

    fn expected() -> String {
        "a path such as /webhooks of the characters A-Z a-z 0-9 _ . ~ -".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let inside = |c: char| c.is_ascii_alphanumeric() || "_.~-".contains(c);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(inside);
        let mut segments = path.split('/');
        let right = segments.next() == Some("") && segments.all(is_segment);
        (path.is_empty() || right).then(|| Self(path.to_owned()))
    }
}

impl Value for AllowEntry {
    const NAME: &'static str = "CIDR[:PORT]";

    fn expected() -> String {
        "a network such as 127.0.0.0/8, or 10.1.0.0/16:8443 for one port".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Addresses of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyNetwork(pub(crate) IpNet);

impl Value for ProxyNetwork {
    const NAME: &'static str = "CIDR";

    fn expected() -> String {
        "a network such as 10.0.0.0/8, or an address".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(address).map(Self)
    }
}

/// The URL of an OpenTelemetry collector, without a path of its own for traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Collector(pub(crate) Url);

impl Value for Collector {
    const NAME: &'static str = "URL";

    fn expected() -> String {
        "an http:// or https:// URL without user, query and fragment, such as http://localhost:4318".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let url: Url = text.parse().ok()?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let right = matches!(url.scheme(), "http" | "https") && is_plain && url.fragment().is_none();
        right.then_some(Self(url))
    }
}

/// The prefix of Ringback's request headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderPrefix(pub(crate) String);

impl Value for HeaderPrefix {
    const NAME: &'static str = "TEXT";

    fn expected() -> String {
        "1 to 64 of the characters a-z 0-9 - that begin with a letter".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let right = text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(inside);
        right.then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_network_or_an_address() {
        let network = |text| ProxyNetwork::parse(text).map(|network| network.0.to_string());
        assert_eq!(network("10.0.0.0/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(network("127.0.0.1").as_deref(), Some("127.0.0.1/32"));
        assert_eq!(network("::1").as_deref(), Some("::1/128"));
        assert_eq!(
            (network(""), network("10.0.0.0/33"), network("10.0.0.0/8:80"), network("*")),
            (None, None, None, None)
        );
    }

    #[test]
    fn base_paths_begin_with_a_slash_and_do_not_end_with_one() {
        let path = |text| BasePath::parse(text).map(|path| path.0);
        assert_eq!(path("/a/b/").as_deref(), Some("/a/b"));
        assert_eq!(path("/").as_deref(), Some(""));
        assert_eq!(path("a"), None);
        assert_eq!((path("/a//b"), path("/a/.."), path("/./a")), (None, None, None));
    }
}
