//! Which addresses may be dialled: one rule for literals, names and every answer of a resolver.
//!
//! The rule is applied when a URL is registered, again to every address that its name resolves to, and once more to the peer
//! of the open connection. An entry of the allow-list overrides everything else.

use std::{fmt, net::IpAddr, net::SocketAddr, str::FromStr};

use ipnet::IpNet;
use url::{Host, Url};

use super::{host, ranges};
use crate::attempt::ErrorClass;

/// What a node may dial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// Private networks that may be dialled all the same.
    pub allow: Vec<AllowEntry>,
    /// Whether plain `http` URLs are taken.
    pub allow_http: bool,
}

/// Why an address or a URL may not be dialled. If the cause is what a name resolves to, customers only ever learn
/// `blocked_destination`: more would make the delivery log a port scanner. If it stands in the URL itself, they learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Blocked {
    /// Plain `http` without `egress.allow_http`, or no web URL at all.
    #[error("only https URLs are allowed")]
    Scheme,
    /// An address outside the public internet.
    #[error("the address is not on the public internet and not in egress.allow")]
    Address,
    /// A name that only private networks have.
    #[error("the name belongs to a private network and egress.allow does not cover its addresses")]
    Name,
    /// A port that no webhook listens on.
    #[error("the port is one that webhooks are not sent to")]
    Port,
}

impl From<Blocked> for ErrorClass {
    fn from(_reason: Blocked) -> Self {
        Self::BlockedDestination
    }
}

impl Egress {
    /// Whether this very address may be dialled.
    ///
    /// # Errors
    /// Why not.
    pub fn permits(&self, addr: SocketAddr) -> Result<(), Blocked> {
        if addr.port() == 0 {
            Err(Blocked::Port)
        } else if self.allows(addr) {
            Ok(())
        } else if ranges::is_refused_port(addr.port()) {
            Err(Blocked::Port)
        } else if ranges::is_public(addr.ip()) {
            Ok(())
        } else {
            Err(Blocked::Address)
        }
    }

    /// Whether a URL may be registered, as far as can be told before its name is resolved. Private names
    /// and unusual ports pass only if some entry of the allow-list could cover what they resolve to.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn permits_url(&self, url: &Url) -> Result<(), Blocked> {
        let port = url.port_or_known_default().unwrap_or(0);
        if !(url.scheme() == "https" || (self.allow_http && url.scheme() == "http")) {
            return Err(Blocked::Scheme);
        }
        match url.host() {
            Some(Host::Ipv4(ip)) => self.permits(SocketAddr::new(IpAddr::V4(ip), port)),
            Some(Host::Ipv6(ip)) => self.permits(SocketAddr::new(IpAddr::V6(ip), port)),
            Some(Host::Domain(name)) => self.permits_name(name, port),
            None => Err(Blocked::Name),
        }
    }

    /// The addresses that may be dialled, of all that `name` resolved to. One forbidden answer refuses all: a name with
    /// public and private answers is probably being rebound.
    ///
    /// # Errors
    /// Why none may be dialled.
    pub fn vet(&self, name: &str, mut answers: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Blocked> {
        if host::is_localhost(name) {
            // `localhost` resolves to 127.0.0.1 and ::1, the same host; an allow-list that names one of them is enough.
            answers.retain(|&addr| !addr.ip().is_loopback() || self.allows(addr));
        }
        if answers.is_empty() || (host::is_private_name(name) && !answers.iter().all(|&addr| self.allows(addr))) {
            return Err(Blocked::Name);
        }
        answers.iter().try_for_each(|&addr| self.permits(addr))?;
        Ok(answers)
    }

    fn permits_name(&self, name: &str, port: u16) -> Result<(), Blocked> {
        let could_be_allowed = port != 0 && self.allow.iter().any(|entry| entry.covers_port(port));
        if could_be_allowed {
            Ok(())
        } else if ranges::is_refused_port(port) {
            Err(Blocked::Port)
        } else if host::is_private_name(name) {
            Err(Blocked::Name)
        } else {
            Ok(())
        }
    }

    fn allows(&self, addr: SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        self.allow.iter().any(|entry| entry.covers_port(addr.port()) && entry.network.contains(&ip))
    }
}

/// A network, and perhaps one port of it, that may be dialled although it is private: `10.1.2.0/24`,
/// `10.1.2.3:8443`, `fd00::/8`, `[fd00::/8]:8443`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowEntry {
    network: IpNet,
    port: Option<u16>,
}

/// A text that is no entry of an allow-list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network such as 10.1.2.0/24, 10.1.2.0/24:8443 or [fd00::/8]:8443")]
pub struct MalformedEntry(String);

impl AllowEntry {
    /// A network with one port, or with all of them if `port` is `None`.
    #[must_use]
    pub const fn new(network: IpNet, port: Option<u16>) -> Self {
        Self { network, port }
    }

    fn covers_port(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for AllowEntry {
    type Err = MalformedEntry;

    fn from_str(text: &str) -> Result<Self, MalformedEntry> {
        parse_entry(text.trim()).ok_or_else(|| MalformedEntry(text.to_owned()))
    }
}

fn parse_entry(text: &str) -> Option<AllowEntry> {
    if let Some(network) = parse_network(text) {
        return Some(AllowEntry { network, port: None });
    }
    let (network, port) = text.rsplit_once(':')?;
    let bare = network.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(network);
    // Without brackets or a prefix length, `fd00::1:80` would be an address and not an address with a port.
    let port = port.parse().ok().filter(|&port| port != 0)?;
    Some(AllowEntry { network: parse_network(bare)?, port: Some(port) })
}

fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(|net: IpNet| net.trunc())
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.network, self.port) {
            (network, None) => write!(f, "{network}"),
            (IpNet::V4(network), Some(port)) => write!(f, "{network}:{port}"),
            (IpNet::V6(network), Some(port)) => write!(f, "[{network}]:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress(allow: &[&str]) -> Egress {
        Egress { allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(), allow_http: true }
    }

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn entries_are_read_and_printed() {
        for text in ["127.0.0.0/8", "10.1.2.0/24:8443", "fd00::/8", "[fd00::/8]:8443"] {
            assert_eq!(text.parse::<AllowEntry>().unwrap().to_string(), text);
        }
        assert_eq!("10.1.2.3".parse::<AllowEntry>().unwrap().to_string(), "10.1.2.3/32");
        assert_eq!("10.1.2.3:80".parse::<AllowEntry>().unwrap().to_string(), "10.1.2.3/32:80");
        assert_eq!("[::1]:80".parse::<AllowEntry>().unwrap().to_string(), "[::1/128]:80");
        assert_eq!("fd00::/8:443".parse::<AllowEntry>().unwrap().to_string(), "[fd00::/8]:443");
        assert_eq!("10.1.2.3/8".parse::<AllowEntry>().unwrap().to_string(), "10.0.0.0/8");
    }

    #[test]
    fn malformed_entries_are_named() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0.0/8:0", "10.0.0.0/8:99999", "10.0.0.0/8:", "10.0.0", "*"] {
            let refusal = text.parse::<AllowEntry>().unwrap_err().to_string();
            assert!(refusal.contains(&format!("`{text}`")), "{refusal}");
        }
    }

    #[test]
    fn an_allowed_network_is_dialled_on_every_port_but_zero() {
        let egress = egress(&["127.0.0.0/8"]);
        for open in ["127.0.0.1:80", "127.9.9.9:5432", "[::ffff:127.0.0.1]:22"] {
            assert_eq!(egress.permits(addr(open)), Ok(()), "{open}");
        }
        assert_eq!(egress.permits(addr("127.0.0.1:0")), Err(Blocked::Port));
        assert_eq!(egress.permits(addr("10.0.0.1:80")), Err(Blocked::Address));
        assert_eq!(egress.permits(addr("8.8.8.8:22")), Err(Blocked::Port));
    }

    #[test]
    fn an_entry_with_a_port_allows_no_other() {
        let egress = egress(&["127.0.0.0/8:8443"]);
        assert_eq!(egress.permits(addr("127.0.0.1:8443")), Ok(()));
        assert_eq!(egress.permits(addr("127.0.0.1:8444")), Err(Blocked::Address));
    }

    #[test]
    fn private_names_need_every_address_on_the_allow_list() {
        let egress = egress(&["10.0.0.0/8"]);
        let inside = addr("10.0.0.1:443");
        let public = addr("8.8.8.8:443");
        assert_eq!(egress.vet("db.internal", vec![inside]), Ok(vec![inside]));
        assert_eq!(egress.vet("db.internal", vec![inside, public]), Err(Blocked::Name));
        assert_eq!(egress.vet("example.com", vec![inside, public]), Ok(vec![inside, public]));
        assert_eq!(egress.vet("example.com", vec![public, addr("192.168.0.1:443")]), Err(Blocked::Address));
    }

    #[test]
    fn localhost_is_dialled_at_the_spelling_that_is_allowed() {
        let both = vec![addr("[::1]:80"), addr("127.0.0.1:80")];
        assert_eq!(egress(&["127.0.0.0/8"]).vet("localhost", both.clone()), Ok(vec![both[1]]));
        assert_eq!(egress(&["::1"]).vet("a.localhost.", both.clone()), Ok(vec![both[0]]));
        assert_eq!(egress(&["10.0.0.0/8"]).vet("localhost", both.clone()), Err(Blocked::Name));
        assert_eq!(egress(&["127.0.0.0/8"]).vet("rebound.example.com", both), Err(Blocked::Address));
    }

    #[test]
    fn a_forbidden_answer_behind_many_good_ones_still_refuses() {
        let mut answers = vec![addr("8.8.8.8:443"); 100];
        assert!(Egress::default().vet("example.com", answers.clone()).is_ok());
        answers.push(addr("10.0.0.1:443"));
        assert_eq!(Egress::default().vet("example.com", answers), Err(Blocked::Address));
    }

    #[test]
    fn urls_are_judged_before_anything_is_resolved() {
        let closed = Egress::default();
        let judge = |egress: &Egress, text| egress.permits_url(&Url::parse(text).unwrap());
        assert_eq!(judge(&closed, "https://example.com/"), Ok(()));
        assert_eq!(judge(&closed, "http://example.com/"), Err(Blocked::Scheme));
        assert_eq!(judge(&closed, "ftp://example.com/"), Err(Blocked::Scheme));
        assert_eq!(judge(&closed, "https://localhost/"), Err(Blocked::Name));
        assert_eq!(judge(&closed, "https://example.com:22/"), Err(Blocked::Port));
        assert_eq!(judge(&closed, "https://[::1]/"), Err(Blocked::Address));
        let open = egress(&["127.0.0.0/8"]);
        assert_eq!(judge(&open, "http://localhost:22/"), Ok(()));
        assert_eq!(judge(&open, "http://127.0.0.1:4000/"), Ok(()));
        assert_eq!(judge(&open, "http://localhost:0/"), Err(Blocked::Port));
    }
}
