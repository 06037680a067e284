//! What may be dialled is public by another reading of the registries, too, however the address is written.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use ringback::egress::{AllowEntry, Egress};

fuzz_target!(|input: (u128, u16, u8, &str)| {
    let (bits, port, prefix, text) = input;
    let nobody = Egress::default();
    let v4 = Ipv4Addr::from_bits(bits as u32);
    let v6 = Ipv6Addr::from_bits(bits);
    let permits = |egress: &Egress, ip: IpAddr| egress.permits(SocketAddr::new(ip, port)).is_ok();

    if permits(&nobody, v4.into()) {
        assert!(!(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()), "{v4}");
        assert!(!(v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified()), "{v4}");
        assert!(v4.octets()[0] != 0 && v4.octets()[0] < 224, "{v4}");
    }
    assert_eq!(permits(&nobody, v4.into()), permits(&nobody, v4.to_ipv6_mapped().into()), "{v4}");
    if permits(&nobody, v6.into()) && v6.to_ipv4_mapped().is_none() {
        assert_eq!(v6.segments()[0] >> 13, 1, "{v6} is global unicast");
        assert!(!(v6.is_loopback() || v6.is_multicast() || v6.is_unique_local() || v6.is_unicast_link_local()), "{v6}");
    }
    assert!(port != 0 || !permits(&nobody, v4.into()));

    // What an entry of the allow-list covers may be dialled, and it changes nothing for what lies outside.
    for ip in [IpAddr::V4(v4), IpAddr::V6(v6)] {
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        let Ok(network) = IpNet::new(ip.to_canonical(), (prefix % (longest + 1)).min(if ip.to_canonical().is_ipv4() { 32 } else { 128 })) else {
            continue;
        };
        let network = network.trunc();
        let allowing = Egress { allow: vec![AllowEntry::new(network, None)], allow_http: false };
        assert!(port == 0 || permits(&allowing, ip), "{ip} in {network}");
        let other = IpAddr::from(Ipv6Addr::from_bits(!bits)).to_canonical();
        if !network.contains(&other) {
            assert_eq!(permits(&allowing, other), permits(&nobody, other), "{other} outside of {network}");
        }
    }
    if let Ok(entry) = text.parse::<AllowEntry>() {
        assert_eq!(entry.to_string().parse(), Ok(entry), "{text}");
    }
});
