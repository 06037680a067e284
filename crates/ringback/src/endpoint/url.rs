//! Where requests go: absolute, normalised, and of a form that every program reads the same way.

use std::fmt;

use url::{Host, Url};

use crate::{
    egress::{Blocked, Egress, is_canonical_literal},
    invalid::{Invalid, Warning},
};

/// Longest URL, in bytes: as given, and as it is requested, where every byte that is not ASCII takes three.
const URL_BYTES_MAX: usize = 2_048;

/// A URL that requests may be sent to, as far as can be told before its name is resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetUrl {
    /// The URL as it is requested: `http` or `https` with a host, without user information or fragment.
    pub url: Url,
}

impl TargetUrl {
    /// Reads a URL as a caller gave it. One without a scheme gets `https` and a warning; `http` is never tried.
    ///
    /// # Errors
    /// One finding at `/url`: `malformed`, `too_long`, `https_required`, `ambiguous_ip` or `blocked_destination`.
    pub fn parse(text: &str, egress: &Egress) -> Result<(Self, Option<Warning>), Invalid> {
        check_text(text)?;
        let (absolute, warning) = absolute(text)?;
        let url = Url::parse(&absolute).map_err(|error| unreadable(error, &absolute))?;
        check_form(&url, &absolute)?;
        egress.permits_url(&url).map_err(|blocked| refused(blocked, &url))?;
        check_length(url.as_str())?;
        Ok((Self { url: without_root_dot(url) }, warning))
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host: lower case, names in their ASCII form, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, the scheme's own if none is named.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    /// Whether `other` has the same scheme, host and port, whatever the spelling of default ports, letter case and the
    /// root's dot. False if `other` is no URL.
    pub(super) fn is_of_the_origin_of(&self, other: &str) -> bool {
        Url::parse(other).is_ok_and(|other| {
            let other = Self { url: without_root_dot(other) };
            (self.scheme(), self.host(), self.port()) == (other.scheme(), other.host(), other.port())
        })
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)
    }
}

/// Checks the text before it is parsed, since URL parsers silently delete tabs and line breaks.
fn check_text(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(malformed("must not be empty"));
    }
    check_length(text)?;
    if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err(malformed("must not hold spaces, line breaks or other control characters"));
    }
    if text.contains('\\') {
        return Err(malformed("must not hold a backslash"));
    }
    Ok(())
}

fn check_length(text: &str) -> Result<(), Invalid> {
    if text.len() > URL_BYTES_MAX {
        let detail = format!("at most {URL_BYTES_MAX} bytes are allowed, percent-encoded as it is requested");
        return Err(Invalid::one("/url", "too_long", detail));
    }
    Ok(())
}

/// The text with a scheme, and a warning if it had none.
fn absolute(text: &str) -> Result<(String, Option<Warning>), Invalid> {
    if has_scheme(text) {
        return Ok((text.to_owned(), None));
    }
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    if !host.contains('.') {
        return Err(malformed(without_scheme(host)));
    }
    let absolute = format!("https://{text}");
    let detail = format!("has no scheme; {absolute} is used");
    Ok((absolute, Some(Warning { code: "url_scheme_added", pointer: "/url".to_owned(), detail })))
}

/// A hint what to write instead. A name and a port is how people write a receiver on their own machine.
fn without_scheme(host: &str) -> String {
    let wanted = "must be an absolute URL such as https://example.com/webhook";
    match host.split_once(':') {
        Some((name, port)) if !name.is_empty() && port.parse::<u16>().is_ok() => format!(
            "{wanted}: has no scheme; for a receiver on a private network write http://{host}/…, have its address in \
             egress.allow and set egress.allow_http"
        ),
        _ => wanted.to_owned(),
    }
}

/// The URL that requests go to, of a stored text as its caller wrote it: a text without a scheme gets `https` when it is
/// sent. Nothing else is checked. `None` if the text is no URL.
pub(crate) fn as_it_is_sent(text: &str) -> Option<Url> {
    if has_scheme(text) { Url::parse(text).ok() } else { Url::parse(&format!("https://{text}")).ok() }
}

fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn check_form(url: &Url, text: &str) -> Result<(), Invalid> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(refused(Blocked::Scheme, url));
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err(malformed("must not hold a user name or password: use auth"));
    }
    if url.fragment().is_some() {
        return Err(malformed("must not hold a fragment (#…)"));
    }
    // `https:///x` would be read as a host called x.
    if authority(text).is_empty() {
        return Err(malformed("has no host"));
    }
    match url.host() {
        // No label may be empty; and each time that a name with several dots at its end is read, it would lose one.
        Some(Host::Domain(name)) if name.strip_suffix('.').unwrap_or(name).split('.').any(str::is_empty) => {
            Err(malformed("has a host with two dots in a row, or one at its beginning"))
        }
        Some(host) if is_canonical_literal(text, &host) => Ok(()),
        Some(_) => Err(ambiguous()),
        None => Err(malformed("has no host")),
    }
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// `example.com.` becomes `example.com`: `Host` would have the root's dot, and no certificate has it.
fn without_root_dot(mut url: Url) -> Url {
    if let Some(Host::Domain(name)) = url.host()
        && let Some(name) = name.strip_suffix('.').map(str::to_owned)
        && url.set_host(Some(&name)).is_err()
    {
        return url;
    }
    url
}

fn unreadable(error: url::ParseError, text: &str) -> Invalid {
    // A host whose last label is digits counts as an IPv4 number, whatever the rest: `256.1.1.1`, `1.2.3.4.5`.
    match error {
        url::ParseError::InvalidIpv4Address => ambiguous(),
        _ if authority(text).is_empty() => malformed("has no host"),
        error => malformed(format!("is not a URL: {error}")),
    }
}

/// The cause, and what would be right. The answer reveals nothing but the URL itself and documented defaults: what names
/// resolve to is not known here.
fn refused(blocked: Blocked, url: &Url) -> Invalid {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let detail = match blocked {
        Blocked::Scheme if url.scheme() == "http" => {
            "must begin with https://; http:// is only taken where egress.allow_http is set, for receivers on private \
             networks"
                .to_owned()
        }
        Blocked::Scheme => format!("must begin with https://; {}:// is not spoken", url.scheme()),
        Blocked::Address => format!(
            "is blocked: {host} is not on the public internet; requests are sent there only if a network in egress.allow \
             holds it"
        ),
        Blocked::Name => format!(
            "is blocked: {host} is a name of private networks; requests are sent there only if all of its addresses are in \
             egress.allow"
        ),
        Blocked::Port if port == 0 => "is blocked: port 0 cannot be sent to".to_owned(),
        Blocked::Port => format!(
            "is blocked: port {port} is one that other services listen on and webhooks are not sent to; an entry of \
             egress.allow that holds the address opens it"
        ),
    };
    let code = if blocked == Blocked::Scheme { "https_required" } else { "blocked_destination" };
    Invalid::one("/url", code, detail)
}

fn ambiguous() -> Invalid {
    Invalid::one("/url", "ambiguous_ip", "holds an IP address that is not written in the usual form")
}

fn malformed(detail: impl Into<String>) -> Invalid {
    Invalid::one("/url", "malformed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, bool), &'static str> {
        parse_with(text, &Egress::default())
    }

    fn parse_with(text: &str, egress: &Egress) -> Result<(String, bool), &'static str> {
        match TargetUrl::parse(text, egress) {
            Ok((target, warning)) => Ok((target.url.to_string(), warning.is_some())),
            Err(invalid) => {
                assert_eq!((invalid.findings.len(), invalid.findings[0].pointer.as_str()), (1, "/url"));
                Err(invalid.findings[0].code)
            }
        }
    }

    #[test]
    fn ordinary_urls_pass_as_they_are() {
        for text in ["https://example.com/hook?a=b", "https://example.com:8443/", "https://8.8.8.8/x"] {
            assert_eq!(parse(text), Ok((text.to_owned(), false)));
        }
        assert_eq!(parse("HTTPS://Example.COM.").unwrap().0, "https://example.com/");
        assert_eq!(parse("https://b\u{fc}cher.de/").unwrap().0, "https://xn--bcher-kva.de/");
    }

    #[test]
    fn a_stored_text_is_read_as_it_is_sent() {
        let sent = |text| as_it_is_sent(text).map(|url| url.to_string());
        assert_eq!(sent("http://example.com/a").as_deref(), Some("http://example.com/a"));
        assert_eq!(sent("example.com/a").as_deref(), Some("https://example.com/a"));
        assert_eq!(sent("https://"), None);
    }

    #[test]
    fn a_missing_scheme_becomes_https_with_a_warning() {
        assert_eq!(parse("www.example.com/webhook_url").unwrap(), ("https://www.example.com/webhook_url".into(), true));
        assert_eq!(parse("example.com:8443/x").unwrap(), ("https://example.com:8443/x".into(), true));
        assert_eq!(
            parse("example.com/?to=https://a.b/").unwrap(),
            ("https://example.com/?to=https://a.b/".into(), true)
        );
        let warning = TargetUrl::parse("example.com", &Egress::default()).unwrap().1.unwrap();
        assert_eq!((warning.code, warning.pointer.as_str()), ("url_scheme_added", "/url"));
        for text in ["hook", "//example.com/x", "/x.y", "mailto:a@example.com", "javascript:alert(1)", "localhost:80/x"]
        {
            assert_eq!(parse(text), Err("malformed"), "{text}");
        }
    }

    #[test]
    fn what_hides_something_is_refused() {
        for text in [
            "",
            " https://example.com",
            "https://example.com/\n",
            "https://exam\tple.com",
            "https://exa mple.com",
            "https://example.com/a b",
            "https://example.com/\u{7}",
            "https://user:pw@example.com",
            "https://@example.com",
            "https://example.com/#x",
            "https://example.com\\@a.b/",
            "https://",
            "https:///x",
            "https://example.com../",
            "https://a..example.com/",
            "https://.example.com/",
            "https://example.com:99999/",
            "https://[::1",
            "https://exa\u{0}mple.com",
            "https://example.com\u{a0}/",
            "https://\u{ad}/",
        ] {
            assert_eq!(parse(text), Err("malformed"), "{text:?}");
        }
        assert_eq!(parse(&format!("https://example.com/{}", "x".repeat(2_028))).map(drop), Ok(()));
        assert_eq!(parse(&format!("https://example.com/{}", "x".repeat(2_029))), Err("too_long"));
        // As it is requested, each of these two bytes is three.
        assert_eq!(parse(&format!("https://example.com/{}", "\u{e9}".repeat(338))).map(drop), Ok(()));
        assert_eq!(parse(&format!("https://example.com/{}", "\u{e9}".repeat(339))), Err("too_long"));
    }

    #[test]
    fn only_https_unless_allowed() {
        let open = Egress { allow_http: true, ..Egress::default() };
        assert_eq!(parse("http://example.com/"), Err("https_required"));
        assert_eq!(parse_with("http://example.com/", &open), Ok(("http://example.com/".into(), false)));
        for text in ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "ws://example.com/"] {
            assert!(matches!(parse_with(text, &open), Err("https_required" | "malformed")), "{text}");
        }
    }

    #[test]
    fn addresses_must_be_plain_and_public() {
        for text in [
            "https://0x7f.1/",
            "https://2130706433/",
            "https://127.1/",
            "https://\u{2460}\u{2461}\u{2466}.0.0.1/",
            "https://256.1.1.1/",
            "https://127.0.0.1./",
        ] {
            assert_eq!(parse(text), Err("ambiguous_ip"), "{text}");
        }
        for text in [
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://localhost/",
            "https://db.internal/",
            "https://redis/",
            "https://example.com:22/",
            "https://example.com:0/",
        ] {
            assert_eq!(parse(text), Err("blocked_destination"), "{text}");
        }
    }

    #[test]
    fn a_refusal_names_its_cause_and_the_remedy() {
        let told = |text: &str| TargetUrl::parse(text, &Egress::default()).unwrap_err().findings.remove(0).detail;
        for (text, words) in [
            ("https://192.168.1.5/", ["192.168.1.5", "egress.allow"]),
            ("https://[fd00::1]/", ["[fd00::1]", "egress.allow"]),
            ("https://localhost/x", ["localhost", "egress.allow"]),
            ("https://db.internal/", ["db.internal", "egress.allow"]),
            ("https://example.com:22/", ["port 22", "egress.allow"]),
            ("https://example.com:0/", ["port 0", "cannot be sent to"]),
            ("https://", ["has no host", ""]),
            ("http://example.com/", ["https://", "egress.allow_http"]),
            ("ftp://example.com/", ["https://", "ftp://"]),
            ("localhost:9102/x", ["http://localhost:9102/", "egress.allow_http"]),
            ("hook", ["absolute", "https://example.com/webhook"]),
            ("https:///user@example.com/", ["user name", "use auth"]),
            ("https://example.com:99999/", ["not a URL", "port"]),
        ] {
            let detail = told(text);
            assert!(words.iter().all(|word| detail.contains(word)), "{text}: {detail}");
        }
        // Only a name and a port look like a receiver on one's own machine.
        for text in ["mailto:someone", ":80/x"] {
            assert!(!told(text).contains("egress"), "{text}");
        }
    }

    #[test]
    fn a_url_shows_itself() {
        let open = Egress { allow_http: true, ..Egress::default() };
        for text in ["https://example.com/x", "http://example.com/x"] {
            assert_eq!(format!("{:?}", TargetUrl::parse(text, &open).unwrap().0), text);
        }
    }

    #[test]
    fn allowed_networks_may_be_named() {
        let egress = Egress { allow: vec!["127.0.0.0/8".parse().unwrap()], allow_http: true };
        for text in ["http://127.0.0.1:4000/", "http://localhost:4000/x"] {
            assert_eq!(parse_with(text, &egress), Ok((text.to_owned(), false)));
        }
        assert_eq!(parse_with("http://0x7f.1/", &egress), Err("ambiguous_ip"));
    }
}
