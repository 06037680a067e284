//! Whether a request comes from one of our own pages, by what browsers say and scripts cannot forge.

use http::{HeaderMap, Uri, header, request::Parts};

/// `Sec-Fetch-Site` says it where browsers send it (https, and loopback); elsewhere `Origin` must name the host that
/// was asked. A request with neither is no browser's, and carries no cookie that somebody else's page could use.
pub(super) fn is_ours(request: &Parts) -> bool {
    match text(&request.headers, "sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => match request.headers.get(header::ORIGIN) {
            None => true,
            Some(origin) => origin.to_str().is_ok_and(|origin| names(origin, host(request))),
        },
    }
}

/// The host that was asked, with its port if one was named: HTTP/1 has it in a header, HTTP/2 in the URI.
pub(super) fn host(request: &Parts) -> &str {
    text(&request.headers, "host").or_else(|| request.uri.authority().map(|it| it.as_str())).unwrap_or_default()
}

/// Whether the browser reached us by https: it says so itself with a form; a proxy in front may say so always.
pub(super) fn is_secure(request: &Parts) -> bool {
    let headers = &request.headers;
    let forwarded = |value: &str| {
        let first = value.split(',').next().unwrap_or_default();
        first.split(';').any(|pair| pair.trim().to_ascii_lowercase().replace('"', "") == "proto=https")
    };
    request.uri.scheme_str() == Some("https")
        || text(headers, "origin").is_some_and(|origin| origin.starts_with("https://"))
        || text(headers, "x-forwarded-proto").is_some_and(|all| all.split(',').next().map(str::trim) == Some("https"))
        || text(headers, "forwarded").is_some_and(forwarded)
}

/// A header that is plain text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether an origin is that of the host asked; a scheme's own port may be left out on either side.
fn names(origin: &str, host: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (origin.scheme_str(), origin.authority()) else { return false };
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let plain = |text: &str| text.strip_suffix(own_port).unwrap_or(text).to_ascii_lowercase();
    plain(authority.as_str()) == plain(host)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::post("/login");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_our_own_pages_send_forms() {
        let host = ("host", "ops.example.com:8080");
        for ours in [
            &[host, ("sec-fetch-site", "same-origin")][..],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "http://ops.example.com:8080")],
            &[("host", "ops.example.com"), ("origin", "https://OPS.example.com")],
            &[("host", "ops.example.com:443"), ("origin", "https://ops.example.com")],
            &[host],
        ] {
            assert!(is_ours(&asked(ours)), "{ours:?}");
        }
        for other in [
            &[host, ("sec-fetch-site", "cross-site"), ("origin", "http://ops.example.com:8080")][..],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "")],
            &[host, ("origin", "null")],
            &[host, ("origin", "http://ops.example.com")],
            &[host, ("origin", "http://evil.example")],
            &[("origin", "http://evil.example")],
        ] {
            assert!(!is_ours(&asked(other)), "{other:?}");
        }
    }

    #[test]
    fn https_is_what_the_browser_or_a_proxy_says() {
        assert!(is_secure(&asked(&[("x-forwarded-proto", "https, http")])));
        assert!(is_secure(&asked(&[("forwarded", "for=192.0.2.1;proto=\"https\"")])));
        assert!(is_secure(&asked(&[("origin", "https://ops.example.com")])));
        assert!(!is_secure(&asked(&[("origin", "http://127.0.0.1:8080"), ("x-forwarded-proto", "http")])));
    }
}
