//! Which secrets a destination signs with: given, kept, generated or none.

use super::{Credentials, Scheme, Secret, SecretRule, SigningKey};
use crate::invalid::Invalid;

/// Where the answer to a missing secret can be shown to someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// A registered endpoint: a generated secret stands in the answer.
    Generate,
    /// An inline destination: nobody would ever learn a generated one.
    Refuse,
}

/// The secrets that a destination will have.
#[derive(Default)]
pub(super) struct Signing {
    /// For the HMAC, the current one first.
    pub(super) secrets: Vec<Secret>,
    /// For ed25519, the current one first.
    pub(super) signing_keys: Vec<Secret>,
    /// The secret that is new and may be shown this once.
    pub(super) new: Option<String>,
}

/// Settles the secrets of a destination; what cannot be is a finding at `/secret`.
pub(super) fn settle(
    scheme: &Scheme,
    given: Option<Option<String>>,
    present: Option<&Credentials>,
    missing: Missing,
    invalid: &mut Invalid,
) -> Signing {
    let mut signing = match present {
        Some(present) => {
            Signing { secrets: present.secrets.clone(), signing_keys: present.signing_keys.clone(), new: None }
        }
        None => Signing::default(),
    };
    match given {
        Some(Some(text)) => signing.take(scheme, text, invalid),
        Some(None) => signing.remove(scheme, invalid),
        None => signing.keep(scheme, invalid),
    }
    if invalid.findings.is_empty() {
        signing.fill(scheme, missing, invalid);
    }
    signing
}

impl Signing {
    fn take(&mut self, scheme: &Scheme, text: String, invalid: &mut Invalid) {
        if let Err(error) = scheme.check_secret(&text) {
            invalid.add("/secret", "malformed", error.to_string());
        } else if *scheme == Scheme::StandardEd25519 && SigningKey::is_meant(&text) {
            self.signing_keys = vec![Secret::lasting(text)];
        } else {
            self.secrets = vec![Secret::lasting(text.clone())];
            self.new = Some(text);
        }
    }

    fn remove(&mut self, scheme: &Scheme, invalid: &mut Invalid) {
        let needed = matches!(scheme.secret_rule(), SecretRule::Generated | SecretRule::Required);
        if needed && !self.secrets.is_empty() {
            let detail = format!("cannot be removed: scheme {} signs with one", scheme.name());
            invalid.add("/secret", "required", detail);
        }
        self.secrets.clear();
    }

    fn keep(&self, scheme: &Scheme, invalid: &mut Invalid) {
        if scheme.secret_rule() == SecretRule::Unused {
            return;
        }
        if let Some(error) = self.secrets.iter().find_map(|secret| scheme.check_secret(&secret.text).err()) {
            let detail = format!("the present one cannot be used with scheme {}: it {error}", scheme.name());
            invalid.add("/secret", "required", detail);
        }
    }

    fn fill(&mut self, scheme: &Scheme, missing: Missing, invalid: &mut Invalid) {
        let generated = (missing == Missing::Generate).then(|| scheme.generate_secret()).flatten();
        if self.secrets.is_empty() {
            match (scheme.secret_rule(), generated) {
                (SecretRule::Optional | SecretRule::Unused, _) => {}
                (_, Some(text)) => {
                    self.secrets = vec![Secret::lasting(text.clone())];
                    self.new = Some(text);
                }
                (_, None) => {
                    let detail = format!("is missing: scheme {} signs with one", scheme.name());
                    invalid.add("/secret", "required", detail);
                }
            }
        }
        if *scheme == Scheme::StandardEd25519 && self.signing_keys.is_empty() {
            match missing {
                Missing::Generate => self.signing_keys = vec![Secret::lasting(SigningKey::generate_text())],
                Missing::Refuse => {
                    let detail = "is no ed25519 key: inherit one with endpoint_key, so that the receiver can know it";
                    invalid.add("/secret", "required", detail);
                }
            }
        }
    }
}
