//! `tls`: the client certificate that an endpoint's requests are made with, and authorities that its receiver's own
//! certificate may come from.
//!
//! Kept sealed as a whole, though only the key is secret: whoever reads the database learns nothing of who a receiver is.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use super::MASK;
use crate::{
    egress::{Identity, certificates, certified, validity},
    invalid::{Invalid, Warning},
    time::Timestamp,
};

/// Most bytes of one PEM text. A certificate has some 2 KiB.
const PEM_BYTES_MAX: usize = 64 * 1024;

/// For how long before its end a certificate is warned of: time to get another one.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// TLS of an endpoint's own. All three are PEM.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    /// The certificate that receivers see if they ask for one, and its chain behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// Its private key. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// Certificate authorities that are trusted beside those of everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl ClientTls {
    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.client_certificate.is_none() && self.client_key.is_none() && self.ca.is_none()
    }

    /// The same without its key: a mask stands where there is one.
    #[must_use]
    pub fn shown(&self) -> Self {
        let (client_certificate, ca) = (self.client_certificate.clone(), self.ca.clone());
        Self { client_certificate, client_key: self.client_key.as_ref().map(|_| MASK.to_owned()), ca }
    }

    /// What connections are made with.
    ///
    /// # Errors
    /// Each text that cannot be used; pointers begin with `/tls`.
    pub fn identity(&self) -> Result<Identity, Invalid> {
        let mut invalid = Invalid::default();
        for (name, text) in
            [("client_certificate", &self.client_certificate), ("client_key", &self.client_key), ("ca", &self.ca)]
        {
            if let Some(bytes) = text.as_ref().map(String::len).filter(|bytes| *bytes > PEM_BYTES_MAX) {
                let detail = format!("has {bytes} bytes; at most {PEM_BYTES_MAX} are allowed");
                invalid.add(format!("/tls/{name}"), "too_long", detail);
            }
        }
        invalid.or(())?;
        let mut invalid = Invalid::default();
        let mut read = |name: &str, text: &Option<String>| {
            let found = text.as_deref().map(certificates)?;
            found.map_err(|why| invalid.add(format!("/tls/{name}"), "malformed", why.to_string())).ok()
        };
        let chain = read("client_certificate", &self.client_certificate);
        let authorities = read("ca", &self.ca).unwrap_or_default();
        let certificate = match (&self.client_certificate, &self.client_key) {
            (None, None) => None,
            (Some(_), None) => {
                invalid.add("/tls/client_key", "required", "is missing: client_certificate needs its private key");
                None
            }
            (None, Some(_)) => {
                invalid.add(
                    "/tls/client_certificate",
                    "required",
                    "is missing: client_key is the key of a certificate",
                );
                None
            }
            // A chain that cannot be read has its finding already.
            (Some(_), Some(key)) => chain.and_then(|chain| match certified(chain, key) {
                Ok(certified) => Some(certified),
                Err(why) => {
                    let code = if why == crate::egress::UnusablePem::OtherKey { "conflict" } else { "malformed" };
                    invalid.add("/tls/client_key", code, why.to_string());
                    None
                }
            }),
        };
        invalid.or(())?;
        Ok(Identity::of(certificate, authorities))
    }

    /// Warns of certificates whose time is over, has not come, or is over soon.
    pub(crate) fn warnings(&self, now: Timestamp) -> Vec<Warning> {
        let texts = [("client_certificate", &self.client_certificate), ("ca", &self.ca)];
        let mut warnings = Vec::new();
        for (name, text) in texts {
            let found = text.as_deref().and_then(|text| certificates(text).ok()).unwrap_or_default();
            let many = found.len() > 1;
            for (index, validity) in found.iter().filter_map(validity).enumerate() {
                let which = if many { format!("its certificate {}", index + 1) } else { "its certificate".to_owned() };
                let (code, detail) = if now < validity.from {
                    ("certificate_not_yet_valid", format!("{which} counts only from {} on", validity.from))
                } else if validity.until < now {
                    ("certificate_expired", format!("{which} has been over since {}", validity.until))
                } else if validity.until.since(now) < SOON {
                    ("certificate_expires_soon", format!("{which} ends at {}", validity.until))
                } else {
                    continue;
                };
                warnings.push(Warning { code, pointer: format!("/tls/{name}"), detail });
            }
        }
        warnings
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("client_certificate", &self.client_certificate.is_some())
            .field("client_key", &self.client_key.as_ref().map(|_| MASK))
            .field("ca", &self.ca.is_some())
            .finish()
    }
}

impl Drop for ClientTls {
    fn drop(&mut self) {
        self.client_key.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use ringback_testkit::authority::Authority;

    use super::*;

    fn tls(client_certificate: Option<&str>, client_key: Option<&str>, ca: Option<&str>) -> ClientTls {
        let [client_certificate, client_key, ca] =
            [client_certificate, client_key, ca].map(|text| text.map(str::to_owned));
        ClientTls { client_certificate, client_key, ca }
    }

    fn found(tls: &ClientTls) -> Vec<(String, &'static str)> {
        let found = tls.identity().err().unwrap_or_default().findings;
        found.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn each_text_that_cannot_be_used_is_told_by_its_pointer() {
        let authority = Authority::new();
        let (one, other) = (authority.valid(&["client-1"]), authority.valid(&["client-2"]));
        let ((certificate, key), (_, other)) = (one.pem(), other.pem());
        assert_eq!(found(&tls(Some(certificate), Some(key), Some(&authority.pem()))), []);
        assert_eq!(found(&tls(None, None, Some(&authority.pem()))), []);
        let at = |name: &str, code| vec![(format!("/tls/{name}"), code)];
        assert_eq!(found(&tls(Some(certificate), Some(other), None)), at("client_key", "conflict"));
        assert_eq!(found(&tls(Some(certificate), None, None)), at("client_key", "required"));
        assert_eq!(found(&tls(None, Some(key), None)), at("client_certificate", "required"));
        assert_eq!(found(&tls(Some(key), Some(key), None)), at("client_certificate", "malformed"));
        assert_eq!(found(&tls(Some(certificate), Some(certificate), None)), at("client_key", "malformed"));
        assert_eq!(found(&tls(None, None, Some("no PEM"))), at("ca", "malformed"));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(found(&tls(None, None, Some(broken))), at("ca", "malformed"));
        assert_eq!(found(&tls(None, None, Some(&certificate.repeat(33)))), at("ca", "malformed"));
        assert_eq!(found(&tls(None, None, Some(&"x".repeat(PEM_BYTES_MAX + 1)))), at("ca", "too_long"));
        let locked = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(found(&tls(Some(certificate), Some(&locked), None)), at("client_key", "malformed"));
    }

    #[test]
    fn a_certificate_is_warned_of_before_it_ends_and_after() {
        let authority = Authority::new();
        let warned = |pem: &str, now: Timestamp| {
            let found = tls(Some(pem), None, None).warnings(now);
            found.into_iter().map(|warning| (warning.pointer, warning.code)).collect::<Vec<_>>()
        };
        let at = |code| vec![("/tls/client_certificate".to_owned(), code)];
        let day = |text: &str| text.parse::<Timestamp>().unwrap();
        let (over, early) = (authority.expired(&["a"]), authority.not_yet_valid(&["a"]));
        assert_eq!(warned(over.pem().0, day("2000-06-01T00:00:00Z")), []);
        assert_eq!(warned(over.pem().0, day("2000-12-15T00:00:00Z")), at("certificate_expires_soon"));
        assert_eq!(warned(over.pem().0, day("2001-01-02T00:00:00Z")), at("certificate_expired"));
        assert_eq!(warned(early.pem().0, day("2026-01-01T00:00:00Z")), at("certificate_not_yet_valid"));
    }

    #[test]
    fn connections_of_different_certificates_or_authorities_are_told_apart() {
        let authority = Authority::new();
        let (one, other) = (authority.valid(&["a"]), authority.valid(&["a"]));
        let of = |certificate: Option<(&str, &str)>, ca: Option<&str>| {
            let (certificate, key) = certificate.unzip();
            tls(certificate, key, ca).identity().unwrap().fingerprint()
        };
        assert_eq!(of(Some(one.pem()), None), of(Some(one.pem()), None));
        assert_ne!(of(Some(one.pem()), None), of(Some(other.pem()), None));
        assert_ne!(of(Some(one.pem()), None), of(Some(one.pem()), Some(&authority.pem())));
        assert_ne!(of(None, Some(one.pem().0)), of(Some(one.pem()), None));
    }
}
