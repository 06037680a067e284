//! How the portal looks, and which sites may show it in a frame.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// Longest name, in characters: it stands in the head of every page.
const NAME_CHARS_MAX: usize = 60;

/// Longest address of a logo.
const LOGO_BYTES_MAX: usize = 2_048;

/// The look of the portal that tenants open by link; by default it is Ringback's own, and no site may frame it.
#[derive(Debug, Clone, Default)]
pub struct Portal {
    /// What it is called, instead of Ringback.
    pub name: Option<Name>,
    /// A picture beside the name.
    pub logo: Option<Logo>,
    /// The colour of buttons.
    pub accent: Option<Accent>,
    /// Sites that may show it in a frame.
    pub frame_ancestors: Vec<FrameAncestor>,
}

/// A value that cannot be used; it says what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct Unusable(pub &'static str);

/// What the portal is called: 1 to 60 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// The address of a picture: an `https` URL, or an `http` one of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo(Url);

/// A colour as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent([u8; 3]);

/// A site: `https://app.example.com`, `https://*.example.com`, or an `http` one of this machine, with a port if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameAncestor(String);

impl Name {
    /// What is right.
    pub const EXPECTED: &str = "1 to 60 characters without control characters";
}

impl Logo {
    /// What is right.
    pub const EXPECTED: &str = "an https URL of a picture, such as https://example.com/logo.svg";
}

impl Accent {
    /// What is right.
    pub const EXPECTED: &str = "a colour such as #2f5bd8";

    /// Black or white, whichever is easier to read on the colour (WCAG 2: relative luminance).
    pub(crate) fn readable_on_it(self) -> &'static str {
        let [red, green, blue] = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        // Contrast with white is 1.05 / (l + 0.05), with black (l + 0.05) / 0.05: they are equal at this luminance.
        if luminance > 0.179_13 { "#000000" } else { "#ffffff" }
    }
}

impl FrameAncestor {
    /// What is right.
    pub const EXPECTED: &str = "a site such as https://app.example.com or https://*.example.com";
}

impl FromStr for Name {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let right = (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        right.then(|| Self(text.to_owned())).ok_or(Unusable(Self::EXPECTED))
    }
}

impl FromStr for Logo {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let url = Url::parse(text).ok().filter(|url| text.len() <= LOGO_BYTES_MAX && is_fit(url));
        // The address stands in the security policy of every page, where these would end it.
        let url = url.filter(|url| !url.as_str().contains([';', ',', ' ']) && url.fragment().is_none());
        url.map(Self).ok_or(Unusable(Self::EXPECTED))
    }
}

impl FromStr for Accent {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let mut channels = [0; 3];
        let digits = text.strip_prefix('#').ok_or(Unusable(Self::EXPECTED))?;
        hex::decode_to_slice(digits, &mut channels).map_err(|_| Unusable(Self::EXPECTED))?;
        Ok(Self(channels))
    }
}

impl FromStr for FrameAncestor {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let named = text.replacen("://*.", "://", 1);
        let url = Url::parse(&named).map_err(|_| Unusable(Self::EXPECTED))?;
        let is_site =
            is_fit(&url) && !named.contains('*') && url.origin().ascii_serialization() == named.trim_end_matches('/');
        is_site.then(|| Self(text.trim_end_matches('/').to_owned())).ok_or(Unusable(Self::EXPECTED))
    }
}

/// Whether a URL is one of https, or of this machine, and holds no credentials.
fn is_fit(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    scheme && url.has_host() && url.username().is_empty() && url.password().is_none()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

impl fmt::Display for FrameAncestor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_an_origin() {
        for right in
            ["https://app.example.com", "https://*.example.com", "https://a.example:8443", "http://127.0.0.1:3000"]
        {
            assert_eq!(right.parse::<FrameAncestor>().unwrap().to_string(), right);
        }
        let wrong =
            ["", "*", "https:", "https://*", "http://app.example.com", "https://a.example/x", "https://a b", "'self'"];
        for wrong in
            wrong.into_iter().chain(["https://a.example; script-src *", "https://u@a.example", "https://*.*.example"])
        {
            assert!(wrong.parse::<FrameAncestor>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_logo_cannot_end_the_policy_that_names_it() {
        assert!("https://example.com/logo.svg?v=1".parse::<Logo>().is_ok());
        for wrong in
            ["logo.svg", "http://example.com/a.svg", "data:image/svg+xml,x", "https://example.com/a;script-src"]
        {
            assert!(wrong.parse::<Logo>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_stands_on_the_accent_can_be_read() {
        let on = |text: &str| text.parse::<Accent>().unwrap().readable_on_it();
        assert_eq!(["#2f5bd8", "#ffcc00", "#000000", "#ffffff"].map(on), ["#ffffff", "#000000", "#ffffff", "#000000"]);
        for wrong in ["", "red", "#fff", "#12345g", "2f5bd8"] {
            assert!(wrong.parse::<Accent>().is_err(), "{wrong}");
        }
    }
}
