//! A URL that passes is requested at the host that was judged, and no other program reads another host from it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::{egress::Egress, endpoint::TargetUrl};
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let egress = Egress::default();
    let Ok((target, warning)) = TargetUrl::parse(text, &egress) else { return };
    let url = &target.url;
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());

    // What the library reads from the text as it was given.
    let absolute = if warning.is_some() { format!("https://{text}") } else { text.to_owned() };
    let read = Url::parse(&absolute).expect("it was read before");
    let host = |url: &Url| url.host_str().map(|host| host.trim_end_matches('.').to_owned());
    assert_eq!(host(&read), host(url));
    assert_eq!(read.port_or_known_default(), Some(target.port()));
    assert_eq!((read.path(), read.query()), (url.path(), url.query()));

    match url.host() {
        Some(Host::Ipv4(ip)) => {
            assert!(!(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast()));
            assert!(text.contains(&ip.to_string()), "it stands there as it is dialled");
        }
        Some(Host::Ipv6(ip)) => assert!(!(ip.is_loopback() || ip.is_multicast() || ip.is_unspecified())),
        Some(Host::Domain(name)) => assert!(name.contains('.') && name.parse::<std::net::IpAddr>().is_err()),
        None => panic!("no host"),
    }

    let (again, warning) = TargetUrl::parse(url.as_str(), &egress).expect("what is stored passes again");
    assert!(again == target && warning.is_none());
});
