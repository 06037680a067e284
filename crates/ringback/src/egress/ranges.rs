//! Which addresses and ports belong to services of the public internet, and which never do.
//!
//! For IPv4 the rule is a list of what is special (the IANA special-purpose registry and the addresses
//! at which clouds answer their own machines). For IPv6 it is the other way round: only global unicast
//! is public, minus its exceptions. New special ranges then start out refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 that is not the public internet, each with what it is.
const SPECIAL_V4: [Ipv4Net; 19] = [
    v4(0, 0, 0, 0, 8),        // "this" network; Linux dials the host itself
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // shared by carriers; a cloud's metadata, overlay networks
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // a cloud's host agent, on an address that looks public
    v4(169, 254, 0, 0, 16),   // link-local; most clouds' metadata
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments; a cloud's metadata
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 31, 196, 0, 24),  // AS112
    v4(192, 52, 193, 0, 24),  // automatic multicast tunnelling
    v4(192, 88, 99, 0, 24),   // former 6to4 relays
    v4(192, 168, 0, 0, 16),   // private
    v4(192, 175, 48, 0, 24),  // AS112
    v4(198, 18, 0, 0, 15),    // benchmarks
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, and the broadcast address
];

/// Global unicast: all of public IPv6 lies in it.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What of [`GLOBAL_V6`] is not public.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),         // Teredo, benchmarks, ORCHID, tunnelling
    v6(0x2001, 0xdb8, 0, 32),     // documentation
    v6(0x2002, 0, 0, 16),         // 6to4: an IPv4 address in disguise
    v6(0x2620, 0x4f, 0x8000, 48), // AS112
    v6(0x3fff, 0, 0, 20),         // documentation
];

/// Ports no webhook listens on: those a browser's `fetch` refuses, and databases and control planes
/// that understand an HTTP request well enough to be harmed by it. Sorted.
const REFUSED_PORTS: [u16; 91] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 2375, 2379, 3306, 3659,
    4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9200, 10080, 11211,
    27017,
];

/// Whether an address is one of the public internet. An IPv4 address mapped into IPv6 is judged as IPv4.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !SPECIAL_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => GLOBAL_V6.contains(&ip) && !SPECIAL_V6.iter().any(|net| net.contains(&ip)),
    }
}

/// Whether a port is one that no webhook listens on.
pub(super) fn is_refused_port(port: u16) -> bool {
    REFUSED_PORTS.binary_search(&port).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_ports_are_sorted_so_that_each_is_found() {
        assert!(REFUSED_PORTS.is_sorted());
        assert!(REFUSED_PORTS.iter().all(|&port| is_refused_port(port)));
        assert!(![80, 443, 3000, 8000, 8080, 8443].into_iter().any(is_refused_port));
    }

    #[test]
    fn both_ends_of_every_special_range_are_refused() {
        for net in SPECIAL_V4 {
            assert!(!is_public(net.network().into()) && !is_public(net.broadcast().into()), "{net}");
        }
        for net in SPECIAL_V6 {
            assert!(!is_public(net.network().into()) && !is_public(net.broadcast().into()), "{net}");
        }
    }

    #[test]
    fn neighbours_of_special_ranges_are_public() {
        for ip in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
            "3fff:1000::",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        assert!(!is_public("1fff:ffff::1".parse().unwrap()));
        assert!(!is_public("4000::".parse().unwrap()));
    }
}
