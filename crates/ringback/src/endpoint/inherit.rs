//! What an inline destination inherits from the endpoint that its `endpoint_key` names: pure.
//!
//! Whoever emits chooses URL and payload. Without this rule a caller that may only emit could have an endpoint's credentials
//! sent to a server of its own. So:
//!
//! * `auth`, `tls` and header values are sent to the endpoint's own origin only.
//! * A secret signs with the endpoint's own scheme only. With a scheme of the caller's it would sign messages of the
//!   caller's form, or hide which part of a request is signed.
//!
//! The rule is applied when an event is emitted, and again at every attempt: endpoints change, and events may be older than
//! the rule.

use std::collections::BTreeMap;

use super::{Credentials, Endpoint, KeptDestination, Scheme, Secret, TargetUrl};

/// What an inline destination inherits.
pub(super) enum Inheritance {
    /// The credentials of the endpoint that the destination may use.
    Granted(Box<Credentials>),
    /// The destination may not be used at all.
    Refused {
        /// The destination's field that asks too much.
        pointer: &'static str,
        /// Why, without a value.
        detail: &'static str,
    },
}

const FOREIGN_SCHEME: &str =
    "an inherited secret signs with the scheme of its endpoint alone: give a secret too, or leave this out";

impl Inheritance {
    /// Decides for a destination with `own` credentials. `url` is where it goes; `None` if it cannot be read.
    pub(super) fn of(kept: &KeptDestination, own: &Credentials, url: Option<&TargetUrl>, from: &Endpoint) -> Self {
        let theirs = &from.credentials;
        let mut inherited = Credentials::default();
        match own_scheme(kept, from) {
            None => {
                inherited.secrets.clone_from(&theirs.secrets);
                inherited.signing_keys.clone_from(&theirs.signing_keys);
            }
            // `external` is the default preset of destinations. It has no signature, so it needs no secret.
            Some(("/preset", Scheme::None)) => {}
            Some((pointer, scheme)) if needs_theirs(&scheme, own, theirs) => {
                return Self::Refused { pointer, detail: FOREIGN_SCHEME };
            }
            Some(_) => {}
        }
        if url.is_some_and(|url| url.is_of_the_origin_of(&from.spec.url)) {
            inherited.headers.clone_from(&theirs.headers);
            inherited.auth.clone_from(&theirs.auth);
            inherited.tls.clone_from(&theirs.tls);
        }
        Self::Granted(Box::new(inherited))
    }
}

/// The field of the destination that sets a scheme, and the scheme. A preset counts if its scheme is not the endpoint's.
fn own_scheme(kept: &KeptDestination, from: &Endpoint) -> Option<(&'static str, Scheme)> {
    if let Some(scheme) = &kept.scheme {
        return Some(("/scheme", scheme.clone()));
    }
    let scheme = kept.preset?.scheme();
    (scheme != from.spec.scheme).then_some(("/preset", scheme))
}

/// Whether the destination would sign with a key of the endpoint because the caller gave none. HMAC secrets and ed25519 keys
/// are looked at separately.
fn needs_theirs(scheme: &Scheme, own: &Credentials, theirs: &Credentials) -> bool {
    let missing = |own: &[Secret], theirs: &[Secret]| own.is_empty() && !theirs.is_empty();
    missing(&own.secrets, &theirs.secrets)
        || (*scheme == Scheme::StandardEd25519 && missing(&own.signing_keys, &theirs.signing_keys))
}

/// `own` credentials, and `inherited` ones where `own` has none; headers are merged name by name.
pub(super) fn over(own: Credentials, inherited: &Credentials) -> Credentials {
    let or = |own: Vec<Secret>, inherited: &Vec<Secret>| if own.is_empty() { inherited.clone() } else { own };
    let not_own = |name: &String| !own.headers.keys().any(|other| other.eq_ignore_ascii_case(name));
    let mut headers: BTreeMap<_, _> = inherited
        .headers
        .iter()
        .filter(|(name, _)| not_own(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    headers.extend(own.headers);
    Credentials {
        secrets: or(own.secrets, &inherited.secrets),
        signing_keys: or(own.signing_keys, &inherited.signing_keys),
        headers,
        auth: own.auth.or_else(|| inherited.auth.clone()),
        tls: own.tls.or_else(|| inherited.tls.clone()),
    }
}
