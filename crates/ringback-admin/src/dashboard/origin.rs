//! Whether a request comes from one of the dashboard's own pages, by headers that browsers set and scripts cannot forge.

use http::{HeaderMap, Uri, header, request::Parts};

use crate::sender::Way;

/// Browsers send `Sec-Fetch-Site` over https and on loopback; elsewhere `Origin` must name the host that was asked. A
/// request with neither header is not from a browser, so no foreign page can have sent it with the visitor's cookie.
pub(super) fn is_ours(request: &Parts) -> bool {
    match text(&request.headers, "sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => match request.headers.get(header::ORIGIN) {
            None => true,
            Some(origin) => origin.to_str().is_ok_and(|origin| names(origin, host(request), way(request).https)),
        },
    }
}

/// The host that was asked, with its port if one was named: HTTP/1 has it in a header, HTTP/2 in the URI.
pub(super) fn host(request: &Parts) -> &str {
    text(&request.headers, "host").or_else(|| request.uri.authority().map(|it| it.as_str())).unwrap_or_default()
}

/// Whether the browser uses https. If a trusted proxy tells, that counts; otherwise the `Origin` that the browser sends
/// with a form.
pub(super) fn is_secure(request: &Parts) -> bool {
    way(request).https.unwrap_or_else(|| {
        let by_form = text(&request.headers, "origin").is_some_and(|origin| origin.starts_with("https://"));
        by_form || request.uri.scheme_str() == Some("https")
    })
}

/// How the request came here, as [`super::host`] noted it.
fn way(request: &Parts) -> Way {
    request.extensions.get().copied().unwrap_or_default()
}

/// A header that is plain text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether an origin is that of the host asked; the scheme is compared if a proxy told it. The scheme's default port may be
/// left out on either side.
fn names(origin: &str, host: &str, https: Option<bool>) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (origin.scheme_str(), origin.authority()) else { return false };
    if https.is_some_and(|https| https != (scheme == "https")) {
        return false;
    }
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let plain = |text: &str| text.strip_suffix(own_port).unwrap_or(text).to_ascii_lowercase();
    plain(authority.as_str()) == plain(host)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Parts {
        by(None, headers)
    }

    /// Through a proxy that said by which scheme.
    fn by(https: Option<bool>, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::post("/login").extension(Way { through_proxy: https.is_some(), https });
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
    fn a_form_comes_by_the_scheme_that_a_proxy_was_asked_by() {
        let sent = |origin: &str, https| is_ours(&by(https, &[("host", "ops.example.com"), ("origin", origin)]));
        assert!(sent("https://ops.example.com", Some(true)) && sent("http://ops.example.com", Some(false)));
        assert!(!sent("http://ops.example.com", Some(true)) && !sent("https://ops.example.com", Some(false)));
        assert!(sent("http://ops.example.com", None) && sent("https://ops.example.com", None));
    }

    #[test]
    fn https_is_what_a_trusted_proxy_or_the_browser_says() {
        assert!(is_secure(&by(Some(true), &[])));
        assert!(!is_secure(&by(Some(false), &[("origin", "https://ops.example.com")])));
        assert!(is_secure(&asked(&[("origin", "https://ops.example.com")])));
        // Nobody believes a header that anybody can write.
        assert!(!is_secure(&asked(&[("x-forwarded-proto", "https"), ("forwarded", "proto=https")])));
        assert!(!is_secure(&asked(&[("origin", "http://127.0.0.1:8080")])));
    }
}
