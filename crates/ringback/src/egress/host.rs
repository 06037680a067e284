//! Checks of a URL's host before anything is resolved: the form of names, the spelling of IP literals.

use url::Host;

/// Ends of names that never belong to the public internet.
const PRIVATE_SUFFIXES: [&str; 13] = [
    "localhost",
    "local",
    "internal",
    "lan",
    "intranet",
    "corp",
    "home",
    "svc",
    "home.arpa",
    "onion",
    "invalid",
    "test",
    "example",
];

/// Whether a name's form shows that it belongs to a private network: a single label, or under a suffix that public DNS does
/// not have. Requests go there only if all its addresses are on the allow-list.
pub(super) fn is_private_name(name: &str) -> bool {
    let name = without_root(name);
    !name.contains('.') || PRIVATE_SUFFIXES.iter().any(|suffix| is_under(name, suffix))
}

/// Whether a name means this very host, by RFC 6761.
pub(super) fn is_localhost(name: &str) -> bool {
    is_under(without_root(name), "localhost")
}

/// The name without the dot of the DNS root, which neither `Host` nor SNI carries.
pub(crate) fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether `name` is `suffix` or ends in `.suffix`, without regard to case.
fn is_under(name: &str, suffix: &str) -> bool {
    let Some(cut) = name.len().checked_sub(suffix.len()) else { return false };
    name.is_char_boundary(cut)
        && name[cut..].eq_ignore_ascii_case(suffix)
        && (cut == 0 || name.as_bytes()[cut - 1] == b'.')
}

/// Whether the IP literal in the URL `text`, which was parsed into `host`, is written in the one form
/// that every program reads the same way; true for names. `0x7f.1`, `2130706433`, `127.0.0.1.` and digits
/// in other scripts all become 127.0.0.1 in one parser and something else in the next.
#[must_use]
pub fn is_canonical_literal<S>(text: &str, host: &Host<S>) -> bool {
    let written = written_host(text);
    match host {
        Host::Domain(_) => true,
        Host::Ipv4(ip) => written == ip.to_string(),
        Host::Ipv6(ip) => {
            let inner = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            inner.and_then(|inner| inner.parse().ok()) == Some(*ip)
        }
    }
}

/// The host as it stands in the text of a URL: behind scheme and user information, before port and path.
fn written_host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((before, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn names_of_private_networks_are_known_by_their_form() {
        for name in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "redis",
            "redis.",
            "db.internal",
            "x.svc.cluster.local",
            "printer.LAN",
            "router.home.arpa",
            "a.test",
            "b.example",
            "c.invalid",
            "d.onion",
            "e.corp",
            "f.home",
            "g.intranet",
            "h.svc",
        ] {
            assert!(is_private_name(name), "{name}");
        }
        for name in ["example.com", "example.com.", "notlocalhost.com", "mylocal.net", "internal.example.com"] {
            assert!(!is_private_name(name), "{name}");
        }
    }

    #[test]
    fn this_very_host_is_known_by_every_spelling_of_its_name() {
        for (name, is) in [("localhost", true), ("LOCALHOST.", true), ("a.localhost", true), ("redis", false)] {
            assert_eq!(is_localhost(name), is, "{name}");
        }
        assert!(!is_localhost("localhost.example.com") && !is_localhost("notlocalhost"));
    }

    #[test]
    fn literals_must_be_written_as_they_are_printed() {
        let canonical = |text: &str| {
            let url = Url::parse(text).unwrap();
            is_canonical_literal(text, &url.host().unwrap())
        };
        for text in [
            "https://8.8.8.8/",
            "https://8.8.8.8:8443/a@b:c",
            "HTTPS://8.8.8.8?x",
            "https://[2606:4700::1111]:443/",
            "https://[2606:4700:0:0:0:0:0:1111]/",
            "https://[::ffff:127.0.0.1]/",
            "https://example.com:444/",
        ] {
            assert!(canonical(text), "{text}");
        }
        for text in [
            "https://0x7f.1/",
            "https://2130706433/",
            "https://017700000001/",
            "https://127.1/",
            "https://127.0.1/",
            "https://127.0.0.1./",
            "https://0x7f000001:80/",
            "https://①②⑦.⓪.⓪.①/",
            "https://127。0。0。1/",
            "https://%31%32%37.0.0.1/",
            "https://127.0.0.01/",
            "https://8.8.2056/",
            "https://0/",
            "https://134744072",
        ] {
            assert!(!canonical(text), "{text}");
        }
    }
}
