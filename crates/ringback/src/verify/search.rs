//! Finds the fewest ingredients that must be changed for a signature to fit.

use crate::{
    deliver::sign::{Facts, parts},
    endpoint::{Custom, Digest, Encoding, Method},
};

use super::{
    Expectation, Finding, Ingredient, Request,
    arrived::Arrived,
    public_key::PublicKey,
    reading::{Reading, digest_name, readings, written_otherwise},
    suspects::{self, Key, Suspect},
};

/// Most ingredients that are varied at a time: with three, anything could be explained.
const DIFFERENCES_MAX: usize = 2;

/// A signature that fits.
#[derive(Debug)]
pub(super) struct Found {
    /// The signature as it came.
    pub(super) signature: String,
    /// What had to be changed; empty if it fits as it is.
    pub(super) findings: Vec<Finding>,
}

/// Where the request was sent, and how: what no suspect replaces.
#[derive(Debug, Clone, Copy)]
struct Sent<'a> {
    method: Method,
    url: &'a str,
}

/// The lists of suspects, one for each ingredient.
struct Suspects {
    keys: Vec<Suspect<Key>>,
    messages: Vec<Suspect<String>>,
    bodies: Vec<Suspect<Vec<u8>>>,
    ids: Vec<Suspect<String>>,
    times: Vec<Suspect<crate::time::Timestamp>>,
}

/// Looks for the fewest differences.
pub(super) fn search(
    expectation: &Expectation,
    custom: &Custom,
    arrived: &Arrived,
    request: &Request,
) -> Option<Found> {
    let suspects = Suspects::of(expectation, custom, arrived, request);
    let sent = Sent { method: request.method, url: &expectation.url };
    if let Some(public) = expectation.secrets.first().and_then(|secret| PublicKey::meant(secret)) {
        return suspects.fewest(|combination| {
            let message = combination.message(custom, sent)?;
            let signature = arrived.signatures.iter().find(|signature| public.verifies(&message, signature))?;
            Some(Found { signature: signature.clone(), findings: combination.findings() })
        });
    }
    let readings: Vec<Reading<'_>> = arrived.signatures.iter().flat_map(|text| readings(text)).collect();
    suspects
        .fewest(|combination| combination.fit(custom, sent, &readings))
        .or_else(|| suspects.without_key(custom, sent, &readings))
}

/// One choice of every ingredient.
struct Combination<'a> {
    key: &'a Suspect<Key>,
    message: &'a Suspect<String>,
    body: &'a Suspect<Vec<u8>>,
    id: &'a Suspect<String>,
    time: &'a Suspect<crate::time::Timestamp>,
}

impl Suspects {
    fn of(expectation: &Expectation, custom: &Custom, arrived: &Arrived, request: &Request) -> Self {
        Self {
            keys: suspects::keys(custom.key_format, &expectation.secrets),
            messages: suspects::messages(custom),
            bodies: suspects::bodies(&request.body),
            ids: suspects::ids(expectation, arrived, request),
            times: suspects::times(arrived, request),
        }
    }

    /// Whether a signature is a digest without any key: of the body or of the signed message, in any spelling.
    fn without_key(&self, custom: &Custom, sent: Sent<'_>, readings: &[Reading<'_>]) -> Option<Found> {
        self.fewest(|combination| {
            // No key is used here, so combinations that vary the key are skipped.
            if combination.key.finding.is_some() {
                return None;
            }
            let message = combination.message(custom, sent).unwrap_or_default();
            let reading = readings.iter().find(|reading| {
                let of = |bytes: &[u8]| keyless(reading.digest, bytes) == reading.hex;
                of(&message) || of(&combination.body.value)
            })?;
            let name = digest_name(reading.digest);
            let mut found = combination.found(custom, reading);
            found.findings.insert(0, Ingredient::Digest.differs(format!(
                "the sender made a plain {name} without the secret, and the scheme makes an HMAC with it: such a digest \
                 proves nothing, anybody can make it"
            )));
            Some(found)
        })
    }

    /// The first combination that fits, those with fewer differences first.
    fn fewest(&self, fit: impl Fn(&Combination<'_>) -> Option<Found>) -> Option<Found> {
        (0..=DIFFERENCES_MAX).find_map(|differences| self.combinations(differences).find_map(|choice| fit(&choice)))
    }

    /// Every choice in which exactly so many ingredients are not as expected.
    fn combinations(&self, differences: usize) -> impl Iterator<Item = Combination<'_>> {
        let sizes = [self.keys.len(), self.messages.len(), self.bodies.len(), self.ids.len(), self.times.len()];
        choices(sizes, differences).map(|[key, message, body, id, time]| Combination {
            key: &self.keys[key],
            message: &self.messages[message],
            body: &self.bodies[body],
            id: &self.ids[id],
            time: &self.times[time],
        })
    }
}

/// The hash of some bytes, in hex.
fn keyless(digest: Digest, bytes: &[u8]) -> String {
    use sha2::Digest as _;
    match digest {
        Digest::Sha1 => hex::encode(sha1::Sha1::digest(bytes)),
        Digest::Sha256 => hex::encode(sha2::Sha256::digest(bytes)),
        Digest::Sha512 => hex::encode(sha2::Sha512::digest(bytes)),
    }
}

/// Indices into lists of these sizes, of which exactly `wanted` are not 0.
fn choices<const N: usize>(sizes: [usize; N], wanted: usize) -> impl Iterator<Item = [usize; N]> {
    let mut all = vec![([0; N], 0)];
    for (place, size) in sizes.into_iter().enumerate() {
        let varied = all.iter().filter(|(_, count)| *count < wanted).flat_map(|(choice, count)| {
            (1..size).map(move |index| {
                let mut choice = *choice;
                choice[place] = index;
                (choice, count + 1)
            })
        });
        let varied: Vec<_> = varied.collect();
        all.extend(varied);
    }
    all.into_iter().filter(move |(_, count)| *count == wanted).map(|(choice, _)| choice)
}

impl Combination<'_> {
    fn facts<'a>(&'a self, Sent { method, url }: Sent<'a>) -> Facts<'a> {
        Facts { id: &self.id.value, method, url, body: &self.body.value, now: self.time.value }
    }

    /// The bytes that are signed by this choice.
    fn message(&self, custom: &Custom, sent: Sent<'_>) -> Option<Vec<u8>> {
        let varied = Custom { message: self.message.value.clone(), ..custom.clone() };
        parts::message(&varied, &self.facts(sent)).ok()
    }

    /// The reading that this choice gives, if any.
    fn fit(&self, custom: &Custom, sent: Sent<'_>, readings: &[Reading<'_>]) -> Option<Found> {
        let (key_format, secret) = &self.key.value;
        let facts = self.facts(sent);
        // The scheme's own digest first, as a request may have signatures of several digests.
        let digests = [custom.digest, Digest::Sha256, Digest::Sha512, Digest::Sha1];
        let mut tried = Vec::new();
        for digest in digests.into_iter().filter(|digest| readings.iter().any(|reading| reading.digest == *digest)) {
            if tried.contains(&digest) {
                continue;
            }
            tried.push(digest);
            let varied = Custom {
                key_format: *key_format,
                message: self.message.value.clone(),
                digest,
                encoding: Encoding::Hex,
                headers: custom.headers.clone(),
            };
            let signature = parts::signature(&varied, secret, &facts).ok();
            let Some(signature) = signature else { continue };
            if let Some(reading) = readings.iter().find(|reading| reading.digest == digest && reading.hex == signature)
            {
                return Some(self.found(custom, reading));
            }
        }
        None
    }

    /// What is not as expected in this choice.
    fn findings(&self) -> Vec<Finding> {
        let Self { key, message, body, id, time } = self;
        let all = [&key.finding, &message.finding, &body.finding, &id.finding, &time.finding];
        all.into_iter().flatten().cloned().collect()
    }

    fn found(&self, custom: &Custom, reading: &Reading<'_>) -> Found {
        let mut findings = self.findings();
        if reading.digest != custom.digest {
            let (wanted, came) = (digest_name(custom.digest), digest_name(reading.digest));
            findings
                .push(Ingredient::Digest.differs(format!("the scheme hashes with {wanted}, the sender with {came}")));
        }
        findings.extend(written_otherwise(custom.encoding, reading));
        Found { signature: reading.text.to_owned(), findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_vary_exactly_as_many_places_as_asked() {
        assert_eq!(choices([3, 2], 0).collect::<Vec<_>>(), [[0, 0]]);
        assert_eq!(choices([3, 2], 1).collect::<Vec<_>>(), [[1, 0], [2, 0], [0, 1]]);
        assert_eq!(choices([3, 2], 2).collect::<Vec<_>>(), [[1, 1], [2, 1]]);
        assert_eq!(choices([1, 1], 1).count(), 0);
    }
}
