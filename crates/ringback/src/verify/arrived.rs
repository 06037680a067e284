//! Reads id, time and signatures from a request's headers, by the scheme's layout.

use crate::{
    deliver::sign::{Facts, parts::read_header},
    endpoint::{Custom, Method, Scheme},
    time::Timestamp,
};

use super::{Finding, Ingredient, Request};

/// The header with the event's id in every scheme, unless the installation has another `header_prefix`.
const OWN_ID: &str = "ringback-id";

/// The values in a request's headers.
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    /// The id, from the scheme's own header if it has one.
    pub id: Option<String>,
    /// The signed time, if the scheme has one.
    pub at: Option<Timestamp>,
    /// The signatures, without the text around them.
    pub signatures: Vec<String>,
}

impl Arrived {
    /// Reads the headers of a scheme; a header that is missing or has another form is a finding.
    pub(super) fn read(scheme: &Scheme, custom: &Custom, request: &Request) -> (Self, Vec<Finding>) {
        let (mut arrived, mut findings) = (Self::default(), Vec::new());
        for (name, template) in &custom.headers {
            match request.header(name) {
                Some(value) => findings.extend(arrived.take(scheme, name, template, value)),
                None => findings.push(missing(scheme, name, request)),
            }
        }
        // Every request has the event's id, even if the scheme has no header for it.
        arrived.id = arrived.id.or_else(|| request.header(OWN_ID).map(str::to_owned));
        (arrived, findings)
    }

    fn take(&mut self, scheme: &Scheme, name: &str, template: &str, value: &str) -> Option<Finding> {
        let items = |text: &str| -> Vec<String> {
            let separator = scheme.list_separator();
            separator
                .map_or_else(|| vec![text.to_owned()], |separator| text.split(separator).map(str::to_owned).collect())
        };
        let mut templates = items(template);
        if *scheme == Scheme::StandardEd25519 {
            templates.push("v1a,{signature}".to_owned());
        }
        let (mut holds_signature, mut prefixed) = (false, None);
        for item in items(value.trim()) {
            // Entries of an unknown version are for other receivers.
            let values = templates.iter().find_map(|template| read_header(template, item.trim())).unwrap_or_default();
            for (placeholder, value) in values {
                holds_signature |= placeholder == "signature";
                // If the template has no text around the signature, any text in the header counts as one.
                match named(&value).filter(|_| placeholder == "signature") {
                    Some((prefix, rest)) => {
                        prefixed = Some(prefix.to_owned());
                        self.note(&placeholder, rest.to_owned());
                    }
                    None => self.note(&placeholder, value),
                }
            }
        }
        if let Some(prefix) = prefixed {
            let told = format!("{name} should have the form `{template}`, and `{prefix}=` stands before the signature");
            return Some(Ingredient::Layout.differs(told));
        }
        if !template.contains("{signature}") || holds_signature {
            return None;
        }
        self.signatures.extend(bare(value));
        Some(Ingredient::Layout.differs(format!("{name} should have the form `{template}`")))
    }

    fn note(&mut self, placeholder: &str, value: String) {
        match placeholder {
            "signature" => self.signatures.push(value),
            "id" => self.id = Some(value),
            "timestamp" => self.at = moment(&value, 1_000).or(self.at),
            "timestamp_ms" => self.at = moment(&value, 1).or(self.at),
            _ => {}
        }
    }

    /// The signed facts, as the headers give them.
    pub(super) fn facts<'a>(&'a self, body: &'a [u8], method: Method, url: &'a str) -> Facts<'a> {
        Facts { id: self.id.as_deref().unwrap_or_default(), method, url, body, now: self.at.unwrap_or_default() }
    }
}

impl Request {
    /// A header, whatever the case of its name; `-` and `_` count as one, because gateways swap them.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let plain = |name: &str| name.to_ascii_lowercase().replace('_', "-");
        let wanted = plain(name);
        self.headers.iter().find(|(name, _)| plain(name) == wanted).map(|(_, value)| value.as_str())
    }
}

/// The name before `=`, in a signature that names its hash or version as GitHub's does, and the signature.
fn named(signature: &str) -> Option<(&str, &str)> {
    const NAMES: [&str; 8] = ["sha1", "sha256", "sha384", "sha512", "hmac", "hmac-sha256", "v0", "v1"];
    let (name, rest) = signature.split_once('=')?;
    (NAMES.contains(&name.to_ascii_lowercase().as_str()) && !rest.is_empty()).then_some((name, rest))
}

/// The time of a count of units of `ms` milliseconds since the epoch.
pub(super) fn moment(text: &str, ms: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(text.trim().parse::<i64>().ok()?.checked_mul(ms)?))
}

/// Candidates for the signature in a header that lacks the text around it, or has another.
fn bare(value: &str) -> impl Iterator<Item = String> {
    let pieces = value.split([' ', ',', ';']);
    pieces.map(|piece| match piece.split_once('=') {
        // A short name before `=`; base64 may also end with `=`.
        Some((name, rest)) if name.len() <= 8 && rest.len() > name.len() => rest.to_owned(),
        _ => piece.to_owned(),
    })
}

fn missing(scheme: &Scheme, name: &str, request: &Request) -> Finding {
    let others = Scheme::BUILT_IN.into_iter().filter(|other| other != scheme);
    let came = others.filter_map(|other| {
        let custom = other.spelled_out()?;
        let signature = custom.headers.iter().find(|(_, text)| text.contains("{signature}"))?;
        request.header(signature.0).map(|_| (other, signature.0.clone()))
    });
    let came = came.map(|(other, name)| format!("; {name} came instead, which is scheme {}'s", other.name()));
    Ingredient::Header.differs(format!("{name} is missing{}", came.take(1).collect::<String>()))
}
