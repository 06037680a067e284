//! Where nothing may be sent: spellings of private addresses, private names, ports of other protocols.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ringback::egress::is_canonical_literal;
use url::Url;

use super::*;

/// IPv4 that is not the public internet.
const PRIVATE_V4: &[&str] = &[
    "0.0.0.0",
    "0.0.0.1",
    "0.1.2.3",
    "0.255.255.255",
    "10.0.0.0",
    "10.0.0.1",
    "10.1.2.3",
    "10.255.255.255",
    "100.64.0.0",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.0.0.53",
    "127.1.1.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.253",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.255.255",
    "172.16.0.0",
    "172.16.0.1",
    "172.20.10.2",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.1",
    "192.0.2.255",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.88.99.255",
    "192.168.0.0",
    "192.168.0.1",
    "192.168.1.254",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.0",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "203.0.113.255",
    "224.0.0.1",
    "224.0.0.251",
    "239.255.255.250",
    "239.255.255.255",
    "240.0.0.1",
    "250.1.2.3",
    "255.255.255.254",
    "255.255.255.255",
];

/// IPv6 that is not the public internet.
const PRIVATE_V6: &[&str] = &[
    "::",
    "::1",
    "::2",
    "::ffff",
    "::127.0.0.1",
    "::10.0.0.1",
    "::a9fe:a9fe",
    "::ffff:0.0.0.0",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:192.168.1.1",
    "::ffff:168.63.129.16",
    "::ffff:0:127.0.0.1",
    "::ffff:0:10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "64:ff9b:1:ffff::10.0.0.1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:2::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:10::1",
    "2001:20::1",
    "2001:30::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2002::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "8000::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd12:3456:789a::1",
    "fdff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff00::1",
    "ff01::1",
    "ff02::1",
    "ff02::fb",
    "ff05::2",
    "ff0e::1",
    "1::1",
    "1fff::1",
    "200::1",
];

/// Private addresses in spellings that parsers read in different ways.
const DISGUISED: &[&str] = &[
    "http://0/",
    "http://0x0/",
    "http://00/",
    "http://0.0/",
    "http://0x7f.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f000001/",
    "http://0X7F000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0x0.0.1/",
    "http://0177.1/",
    "http://0177.0.0.1/",
    "http://0177.0000.0.01/",
    "http://017700000001/",
    "http://2130706433/",
    "http://2130706433./",
    "http://127.0.0.1./",
    "http://127.000.000.001/",
    "http://0x0a000001/",
    "http://167772161/",
    "http://10.1/",
    "http://012.1/",
    "http://3232235777/",
    "http://0xc0a80101/",
    "http://192.168.257/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://169.254.43518/",
    "http://0251.0376.0251.0376/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://2886729729/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://１２７.0.0.1/",
    "http://⑯⑨。②⑤④。⑯⑨。②⑤④/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://%31%36%39.254.169.254/",
    "http://𝟏𝟐𝟕.0.0.1/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1:80/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://user:pass@[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000::0001]/",
    "http://[::0001]/",
    "http://[0:0:0:0:0:ffff:7f00:0001]/",
    "http://[::FFFF:127.0.0.1]/",
    "http://[FE80::1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:169.254.169.254]/",
];

/// Names that only private networks have.
const PRIVATE_NAMES: &[&str] = &[
    "localhost",
    "localhost.",
    "LOCALHOST",
    "LocalHost",
    "lo%63alhost",
    "a.localhost",
    "a.b.localhost.",
    "ｌocalhost",
    "redis",
    "postgres.",
    "kubernetes",
    "metadata",
    "metadata.google.internal",
    "db.internal",
    "printer.local",
    "gw.lan",
    "intra.intranet",
    "dc.corp",
    "nas.home",
    "router.home.arpa",
    "redis.svc",
    "redis.default.svc.cluster.local",
    "hidden.onion",
    "x.invalid",
    "x.test",
    "x.example",
    "test",
    "example",
    "local",
    "internal",
];

/// Ports of protocols that an HTTP request could speak to by accident.
const OTHER_PORTS: &[u16] = &[
    1, 7, 9, 19, 20, 21, 22, 23, 25, 53, 69, 79, 110, 111, 113, 119, 123, 135, 137, 139, 143, 161, 389, 465, 512, 513,
    514, 515, 587, 636, 993, 995, 2049, 2375, 2379, 3306, 3659, 4045, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6667,
    6669, 6697, 9200, 10080, 11211, 27017,
];

/// Resolves every name to the loopback receiver of a test, so that only the rule stands between.
struct AllLoopback;

#[async_trait::async_trait]
impl Resolve for AllLoopback {
    async fn resolve(&self, _host: &str) -> Result<Vec<IpAddr>, ringback::egress::ResolveError> {
        Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }
}

fn closed_sender() -> Sender {
    sender_with(egress(&[]), AllLoopback, Roots::Certificates(Vec::new()))
}

/// Nothing is sent there, whatever the name resolves to.
pub(crate) async fn assert_blocked(sender: &Sender, url: &str) {
    let Ok(url) = Url::parse(url) else { return };
    let outcome = sender.send(&Connections::default(), &signed(url.as_str()), SHORT).await;
    let failure = Failure { error: ErrorClass::BlockedDestination, phase: Some(Phase::Policy), ambiguous: false };
    assert_eq!(outcome.failure, Some(failure), "{url}");
    assert_eq!(outcome.remote_addr, None, "{url}");
}

#[tokio::test]
async fn private_addresses_are_never_dialled() {
    let sender = closed_sender();
    for address in PRIVATE_V4 {
        assert_blocked(&sender, &format!("http://{address}/")).await;
        assert_blocked(&sender, &format!("https://{address}:8443/")).await;
        assert_blocked(&sender, &format!("http://[::ffff:{address}]/")).await;
    }
    for address in PRIVATE_V6 {
        assert_blocked(&sender, &format!("http://[{address}]/")).await;
        assert_blocked(&sender, &format!("https://[{address}]:8443/")).await;
    }
}

#[tokio::test]
async fn disguised_private_addresses_are_never_dialled() {
    let sender = closed_sender();
    for url in DISGUISED {
        assert_blocked(&sender, url).await;
    }
}

#[test]
fn disguised_ipv4_is_no_canonical_literal() {
    for text in DISGUISED.iter().filter(|text| !text.contains(['[', '@', '#', '?', '\\'])) {
        let Ok(url) = Url::parse(text) else { continue };
        if text.starts_with("http://") && !text.starts_with("http:///") {
            assert!(!is_canonical_literal(text, &url.host().unwrap()), "{text}");
        }
    }
}

#[tokio::test]
async fn private_names_are_never_dialled() {
    let sender = closed_sender();
    for name in PRIVATE_NAMES {
        assert_blocked(&sender, &format!("http://{name}/")).await;
    }
}

#[tokio::test]
async fn ports_of_other_protocols_are_never_dialled() {
    let sender = sender_with(
        egress(&[]),
        Names::new().with("hooks.example.com", [[8, 8, 8, 8]]),
        Roots::Certificates(Vec::new()),
    );
    for port in OTHER_PORTS {
        assert_blocked(&sender, &format!("http://8.8.8.8:{port}/")).await;
        assert_blocked(&sender, &format!("http://[2606:4700::1111]:{port}/")).await;
        assert_blocked(&sender, &format!("http://hooks.example.com:{port}/")).await;
    }
    assert_blocked(&sender, "http://8.8.8.8:0/").await;
}
