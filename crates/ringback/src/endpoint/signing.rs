//! Which secrets a destination signs with: given, kept, generated or none.

use super::{Credentials, Scheme, Secret, SecretRule, SigningKey};
use crate::invalid::Invalid;

/// What is done about a missing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// For a registered endpoint: a secret is generated and shown in the answer.
    Generate,
    /// For an inline destination: the destination is refused, since nobody would learn a generated secret.
    Refuse,
}

/// The secrets that a destination will have.
#[derive(Default)]
pub(super) struct Signing {
    /// HMAC secrets, the current one first.
    pub(super) secrets: Vec<Secret>,
    /// ed25519 keys, the current one first.
    pub(super) signing_keys: Vec<Secret>,
    /// A new secret, which may be shown this once.
    pub(super) new: Option<String>,
}

/// Decides the secrets of a destination; problems are findings at `/secret`.
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
