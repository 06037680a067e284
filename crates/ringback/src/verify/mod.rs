//! Checks whether a request has the signature that its scheme promises, and if not, finds which ingredient differs.
//!
//! Pure: the request, the scheme, the secrets and the time are arguments, the result is a [`Report`]. The ingredients of a
//! signature (key, message, body, id, time, …) are varied one at a time, then two at a time (`search`), until one of the
//! request's signatures fits; the variations are the mistakes that receivers are known to make (`suspects`).

mod arrived;
mod public_key;
mod reading;
mod report;
mod respell;
mod search;
mod suspects;

use std::time::Duration;

use crate::{
    deliver::sign::{Facts, parts},
    endpoint::{Custom, Method, Scheme},
    time::Timestamp,
};

pub use self::{
    arrived::Arrived,
    report::{Finding, Ingredient, Report, Shown},
};
use self::{public_key::PublicKey, search::Found};

/// A request as a receiver got it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Its method, for custom schemes that sign it.
    pub method: Method,
    /// Names and values as they came.
    pub headers: Vec<(String, String)>,
    /// The body's bytes, as close as possible to those that were received.
    pub body: Vec<u8>,
}

/// What a receiver expects.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// How requests are signed.
    pub scheme: Scheme,
    /// The secret that counts, and others that may have been meant.
    pub secrets: Vec<String>,
    /// How far the signed time may be from now; `None` for any distance.
    pub tolerance: Option<Duration>,
    /// Where the request was sent, for custom schemes that sign it.
    pub url: String,
    /// An id to try besides those that came.
    pub id: Option<String>,
}

impl Expectation {
    /// Checks the expectation itself, without a request: scheme and first secret.
    ///
    /// # Errors
    /// What is wrong with the scheme, for people.
    pub fn check(&self) -> Result<(), String> {
        let Some(custom) = self.scheme.spelled_out() else {
            return Err("scheme none signs nothing, so there is nothing to verify".to_owned());
        };
        let facts = Facts { id: "", method: Method::Post, url: "", body: b"", now: Timestamp::default() };
        match parts::message(&custom, &facts) {
            Err(parts::Error::Scheme(invalid)) => {
                let findings = invalid.findings.iter().map(|one| format!("{} {}", one.pointer, one.detail));
                Err(findings.collect::<Vec<_>>().join("; "))
            }
            _ => Ok(()),
        }
    }

    /// Judges a request.
    #[must_use]
    pub fn judge(&self, request: &Request, now: Timestamp) -> Report {
        let Some(custom) = self.scheme.spelled_out() else { return Report::unsigned() };
        let (arrived, mut findings) = Arrived::read(&self.scheme, &custom, request);
        if arrived.signatures.is_empty() {
            return Report { fits: None, findings, arrived };
        }
        let found = search::search(self, &custom, &arrived, request);
        let fits = match found {
            Some(Found { signature, findings: differences }) => {
                findings.extend(differences);
                Some(signature)
            }
            None => {
                findings.extend(unexplained(self, &custom, request.method, &arrived));
                None
            }
        };
        findings.extend(self.too_far(&custom, &arrived, now));
        Report { fits, findings, arrived }
    }

    /// A finding if the signed time is too old, or too far in the future.
    fn too_far(&self, custom: &Custom, arrived: &Arrived, now: Timestamp) -> Option<Finding> {
        let (tolerance, at) = (self.tolerance?, arrived.at.filter(|_| signs_time(custom))?);
        let (age, ahead) = (now.since(at), at.since(now));
        let told = |span: Duration, word: &str| {
            let (span, tolerance) = (span.as_secs(), tolerance.as_secs());
            format!(
                "the signed timestamp is {span} s {word}, and {tolerance} s are tolerated: receivers refuse that, \
                 whatever the signature"
            )
        };
        if age > tolerance {
            Some(Ingredient::Timestamp.differs(told(age, "old")))
        } else if ahead > tolerance {
            Some(Ingredient::Timestamp.differs(told(ahead, "in the future (is a clock wrong?)")))
        } else {
            None
        }
    }
}

fn signs_time(custom: &Custom) -> bool {
    custom.message.contains("{timestamp")
}

/// The finding if no known mistake explains the signature.
fn unexplained(expectation: &Expectation, custom: &Custom, method: Method, arrived: &Arrived) -> Vec<Finding> {
    let facts = arrived.facts(b"", method, &expectation.url);
    let mut findings: Vec<Finding> = expectation
        .secrets
        .iter()
        .take(1)
        .filter(|secret| PublicKey::meant(secret).is_none())
        .filter_map(|secret| match parts::signature(custom, secret, &facts) {
            Err(error @ parts::Error::Secret(_)) => Some(Ingredient::KeyFormat.differs(error.to_string())),
            _ => None,
        })
        .collect();
    let hint = arrived.id.as_deref().filter(|id| id.starts_with("evt_"));
    let hint =
        hint.map(|id| format!("; GET /v1/events/{id}/payload has the body as it was signed")).unwrap_or_default();
    findings.push(Ingredient::Unknown.differs(format!(
        "no usual mistake explains the signature: it is another secret, or the body is not byte for byte what was \
         sent (numbers such as 3.0 are lost for good when a body is parsed and written again){hint}"
    )));
    findings
}

#[cfg(test)]
mod tests;
