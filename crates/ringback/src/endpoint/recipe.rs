//! Recipes: schemes that are ready to sign. Built-in schemes are the same data as custom ones, and one evaluator signs all.

use http::HeaderName;

use super::{
    Custom, Digest, Encoding, KeyFormat, Scheme, header,
    placeholder::{InMessage, InSchemeHeader},
    template::Template,
};
use crate::{document::escape, invalid::Invalid};

/// Most headers of a custom scheme.
const HEADERS_MAX: usize = 8;

/// Longest template of a custom scheme, in bytes.
const TEMPLATE_BYTES_MAX: usize = 4 * 1024;

/// How to sign: a scheme whose templates have been read.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// What the secret's text means.
    pub(crate) key_format: KeyFormat,
    /// What is signed.
    pub(crate) message: Template<InMessage>,
    /// The hash under the HMAC.
    pub(crate) digest: Digest,
    /// How a signature is written.
    pub(crate) encoding: Encoding,
    /// The headers, in order of sending.
    pub(crate) headers: Vec<(HeaderName, Template<InSchemeHeader>)>,
    /// Added to the signature's header for every further active secret. Without it only the current one signs.
    pub(crate) also: Option<Template<InSchemeHeader>>,
    /// Added to the signature's header for every active ed25519 key.
    pub(crate) also_ed25519: Option<Template<InSchemeHeader>>,
}

impl Recipe {
    /// The recipe of a scheme; `None` for `none`.
    ///
    /// # Errors
    /// What is wrong with a custom scheme, with pointers relative to it.
    pub(crate) fn of(scheme: &Scheme) -> Result<Option<Self>, Invalid> {
        match scheme {
            Scheme::Custom(custom) => Self::compile(custom).map(Some),
            Scheme::None => Ok(None),
            built_in => Ok(Some(Self::built_in(built_in))),
        }
    }

    /// Whether the payload's bytes are signed.
    pub(crate) fn signs_body(&self) -> bool {
        self.message.has(|value| *value == InMessage::Body)
    }

    fn built_in(scheme: &Scheme) -> Self {
        let (custom, also) = built_in(scheme);
        let mut recipe = Self::compile(&custom).expect("built-in schemes are right: a test compiles them all");
        recipe.also = also.map(built_in_template);
        recipe.also_ed25519 = (*scheme == Scheme::StandardEd25519).then(|| built_in_template(" v1a,{signature}"));
        recipe
    }

    pub(crate) fn compile(custom: &Custom) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let message = template(&custom.message, "/message", &mut invalid);
        let headers = headers(custom, &mut invalid);
        match message {
            Some(message) => invalid.or(Self {
                key_format: custom.key_format,
                message,
                digest: custom.digest,
                encoding: custom.encoding,
                headers,
                also: None,
                also_ed25519: None,
            }),
            None => Err(invalid),
        }
    }
}

impl Scheme {
    /// The scheme as a custom one, with all parts written out; `None` for `none`.
    #[must_use]
    pub fn spelled_out(&self) -> Option<Custom> {
        (*self != Self::None).then(|| built_in(self).0)
    }

    /// The separator between several signatures of one request, for schemes that carry several.
    #[must_use]
    pub fn list_separator(&self) -> Option<char> {
        built_in(self).1.and_then(|also| also.chars().next())
    }
}

fn headers(custom: &Custom, invalid: &mut Invalid) -> Vec<(HeaderName, Template<InSchemeHeader>)> {
    if custom.headers.len() > HEADERS_MAX {
        invalid.add("/headers", "too_many", format!("at most {HEADERS_MAX} headers are allowed"));
        return Vec::new();
    }
    let mut headers = Vec::new();
    for (name, text) in &custom.headers {
        let pointer = format!("/headers/{}", escape(name));
        let name = header::name(name, &pointer, invalid);
        if name.as_ref().is_some_and(header::is_framing) {
            invalid.add(&pointer, "header_refused", "belongs to the request itself and cannot carry a signature");
        }
        if !header::is_value_text(text) {
            invalid.add(&pointer, "malformed", header::VALUE_RULE);
        }
        let template = template(text, &pointer, invalid);
        if headers.iter().any(|(other, _)| Some(other) == name.as_ref()) {
            invalid.add(&pointer, "conflict", "stands twice, in different letter case");
        }
        headers.extend(name.zip(template));
    }
    let is_signature = |value: &InSchemeHeader| *value == InSchemeHeader::Signature;
    if invalid.findings.is_empty() && !headers.iter().any(|(_, template)| template.has(is_signature)) {
        invalid.add("/headers", "required", "no header holds {signature}");
    }
    headers
}

fn template<P: super::template::Placeholder>(text: &str, pointer: &str, invalid: &mut Invalid) -> Option<Template<P>> {
    if text.is_empty() {
        invalid.add(pointer, "required", "must not be empty");
    } else if text.len() > TEMPLATE_BYTES_MAX {
        invalid.add(pointer, "too_long", format!("at most {TEMPLATE_BYTES_MAX} bytes are allowed"));
    }
    Template::parse(text).map_err(|error| invalid.add(pointer, error.code(), error.to_string())).ok()
}

fn built_in_template(text: &str) -> Template<InSchemeHeader> {
    Template::parse(text).expect("built-in templates are right: a test compiles them all")
}

/// The table of built-in schemes, with header names spelled as in the vendors' documents, and with the text that is added
/// to the header for each further secret.
fn built_in(scheme: &Scheme) -> (Custom, Option<&'static str>) {
    use Encoding::{Base64, Hex};
    use KeyFormat::{Utf8, Whsec};
    let sha256 = |key_format, message: &str, encoding, headers: &[(&str, &str)]| Custom {
        key_format,
        message: message.to_owned(),
        digest: Digest::Sha256,
        encoding,
        headers: headers.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect(),
    };
    match scheme {
        Scheme::Standard | Scheme::StandardEd25519 => {
            let headers =
                [("webhook-id", "{id}"), ("webhook-timestamp", "{timestamp}"), ("webhook-signature", "v1,{signature}")];
            (sha256(Whsec, "{id}.{timestamp}.{body}", Base64, &headers), Some(" v1,{signature}"))
        }
        Scheme::Svix => {
            let headers =
                [("svix-id", "{id}"), ("svix-timestamp", "{timestamp}"), ("svix-signature", "v1,{signature}")];
            (sha256(Whsec, "{id}.{timestamp}.{body}", Base64, &headers), Some(" v1,{signature}"))
        }
        Scheme::Levrage => (sha256(Utf8, "{body}", Hex, &[("X-Levrage-Signature", "{signature}")]), None),
        Scheme::Synthflow => {
            (sha256(Utf8, "{json:/call/call_id}", Base64, &[("HTTP_SYNTHFLOW_SIGNATURE", "{signature}")]), None)
        }
        Scheme::Retell => (
            sha256(Utf8, "{body}{timestamp_ms}", Hex, &[("x-retell-signature", "v={timestamp_ms},d={signature}")]),
            None,
        ),
        Scheme::Elevenlabs => {
            let headers = [("ElevenLabs-Signature", "t={timestamp},v0={signature}")];
            (sha256(Utf8, "{timestamp}.{body}", Hex, &headers), Some(",v0={signature}"))
        }
        Scheme::Github => (sha256(Utf8, "{body}", Hex, &[("X-Hub-Signature-256", "sha256={signature}")]), None),
        Scheme::PlainHex => (sha256(Utf8, "{body}", Hex, &[("X-Webhook-Signature", "{signature}")]), None),
        Scheme::Custom(custom) => (custom.clone(), None),
        Scheme::None => (sha256(Utf8, "", Hex, &[]), None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn custom(message: &str, headers: &[(&str, &str)]) -> Scheme {
        Scheme::Custom(Custom {
            key_format: KeyFormat::Utf8,
            message: message.to_owned(),
            digest: Digest::Sha512,
            encoding: Encoding::Base64url,
            headers: headers.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect::<BTreeMap<_, _>>(),
        })
    }

    #[test]
    fn every_built_in_scheme_compiles() {
        for scheme in Scheme::BUILT_IN {
            let recipe = Recipe::of(&scheme).unwrap();
            assert_eq!(recipe.is_none(), scheme == Scheme::None, "{scheme:?}");
            assert_eq!(recipe.is_some_and(|recipe| recipe.also.is_some()), scheme.carries_list(), "{scheme:?}");
        }
    }

    #[test]
    fn only_synthflow_leaves_the_body_unsigned() {
        for scheme in Scheme::BUILT_IN {
            let leaves = Recipe::of(&scheme).unwrap().is_some_and(|recipe| !recipe.signs_body());
            assert_eq!(leaves, scheme == Scheme::Synthflow, "{scheme:?}");
        }
    }

    #[test]
    fn a_wrong_custom_scheme_names_the_field() {
        let refused = |scheme: &Scheme| {
            let finding = Recipe::of(scheme).unwrap_err().findings.remove(0);
            (finding.pointer, finding.code)
        };
        let signature = [("x-s", "{signature}")];
        assert_eq!(refused(&custom("{secret}", &signature)), ("/message".into(), "unknown_placeholder"));
        assert_eq!(refused(&custom("{body", &signature)), ("/message".into(), "unbalanced_brace"));
        assert_eq!(refused(&custom("", &signature)), ("/message".into(), "required"));
        assert_eq!(refused(&custom("{body}", &[])), ("/headers".into(), "required"));
        assert_eq!(refused(&custom("{body}", &[("x-t", "{timestamp}")])), ("/headers".into(), "required"));
        assert_eq!(refused(&custom("{body}", &[("x s", "{signature}")])), ("/headers/x s".into(), "malformed"));
        assert_eq!(refused(&custom("{body}", &[("a/b", "{signature}")])), ("/headers/a~1b".into(), "malformed"));
        assert_eq!(refused(&custom("{body}", &[("Host", "{signature}")])), ("/headers/Host".into(), "header_refused"));
        assert_eq!(refused(&custom("{body}", &[("x", "{body}")])), ("/headers/x".into(), "unknown_placeholder"));
        assert_eq!(refused(&custom("{body}", &[("x", "a\r\nb: {signature}")])), ("/headers/x".into(), "malformed"));
        let twice = [("X-S", "{signature}"), ("x-s", "{id}")];
        assert_eq!(refused(&custom("{body}", &twice)), ("/headers/x-s".into(), "conflict"));
    }
}
