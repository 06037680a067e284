//! Values about links: where browsers reach this server, and how the portal looks.

use ringback_admin::portal::{Accent, FrameAncestor, Logo, Name};
use url::Url;

use super::super::value::Value;

/// Scheme, host and port under which browsers reach this server, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl(pub(crate) String);

impl Value for PublicUrl {
    const NAME: &'static str = "URL";

    fn expected() -> String {
        "scheme, host and port, such as https://hooks.example.com; the base_path follows by itself".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
        let origin = url.origin().ascii_serialization();
        (origin == text.trim_end_matches('/')).then_some(Self(origin))
    }
}

macro_rules! looks {
    ($($kind:ident $name:literal;)+) => {$(
        impl Value for $kind {
            const NAME: &'static str = $name;

            fn expected() -> String {
                Self::EXPECTED.to_owned()
            }

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )+};
}

looks! {
    Name "TEXT";
    Logo "URL";
    Accent "COLOUR";
    FrameAncestor "SITE";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        let read = |text| PublicUrl::parse(text).map(|url| url.0);
        assert_eq!(read("https://hooks.example.com/").as_deref(), Some("https://hooks.example.com"));
        assert_eq!(read("http://127.0.0.1:8080").as_deref(), Some("http://127.0.0.1:8080"));
        for wrong in ["", "hooks.example.com", "https://a.example/x", "https://u@a.example", "ftp://a.example"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
