//! An inline destination as it is stored beside its event.
//!
//! Only the caller's own values are stored. Values that the destination inherits from an endpoint are looked up for every
//! attempt, so that a rotated secret or a changed policy of the endpoint takes effect. [`super::inherit`] decides which
//! values these are: when the event is emitted, and again for every attempt.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Body, Credentials, Destination, Draft, Endpoint, Preset, Retry, RetryDraft, Scheme, Secret, SigningKey, Statuses,
    Target, TargetUrl, as_it_is_sent, check,
    inherit::{Inheritance, over},
    resolve::together,
    setting,
    signing::Missing,
    terms::{Given, Inherited, Terms},
};
use crate::{
    egress::Egress,
    id::EventId,
    invalid::{Invalid, Warning},
    seal::MasterKeys,
};

/// An inline destination as it is stored beside its event. Callers that emit by SQL write the same document, with only `url`
/// and `endpoint_key`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptDestination {
    /// Where to send; normalised if the event was emitted through the engine, verbatim if by SQL.
    pub url: String,
    /// An endpoint of the tenant to inherit from, looked up when sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_key: Option<String>,
    /// Its preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Its own scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Its own timeout, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Its own retry policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryDraft>,
    /// [`super::Credentials`] as JSON, sealed, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

impl KeptDestination {
    /// The URL of a stored destination. One that was emitted by SQL is stored verbatim: its URL is found even if the rest is
    /// unusable.
    #[must_use]
    pub fn url_of(stored: &str) -> Option<String> {
        if let Ok(kept) = serde_json::from_str::<Self>(stored) {
            return Some(kept.url);
        }
        let document: serde_json::Value = serde_json::from_str(stored).ok()?;
        document.get("url")?.as_str().map(str::to_owned)
    }

    /// Checks a caller's destination and returns it as it is stored, with its secrets sealed for `event` alone.
    /// `inherit` is the endpoint that its `endpoint_key` names.
    ///
    /// # Errors
    /// Every field that is wrong, with pointers relative to the destination.
    pub fn keep(
        destination: &Destination,
        event: EventId,
        keys: &MasterKeys,
        inherit: Option<&Endpoint>,
        egress: &Egress,
        header_prefix: &str,
    ) -> Result<(Self, Vec<Warning>), Invalid> {
        let mut invalid = Invalid::default();
        let mut warnings = Vec::new();
        let target = match TargetUrl::parse(&destination.url, egress) {
            Ok((target, warning)) => {
                warnings.extend(warning);
                Some(target)
            }
            Err(refusal) => {
                invalid.absorb("", refusal);
                None
            }
        };
        check::key(destination.endpoint_key.as_deref(), "/endpoint_key", &mut invalid);
        if destination.endpoint_key.is_some() && inherit.is_none() {
            invalid.add("/endpoint_key", "unknown_endpoint_key", UNKNOWN_ENDPOINT_KEY);
        }
        let mut kept = Self {
            url: target.as_ref().map(|target| target.url.as_str().to_owned()).unwrap_or_default(),
            endpoint_key: destination.endpoint_key.clone(),
            preset: destination.preset,
            scheme: destination.scheme.clone(),
            timeout_ms: destination.timeout_ms,
            retry: destination.retry.clone(),
            sealed: None,
        };
        let own = own_credentials(destination, &kept.policy(inherit).scheme);
        match inherit.map(|from| Inheritance::of(&kept, &own, target.as_ref(), from)) {
            // The only finding then: findings about a secret that is missing because it is not inherited would confuse.
            Some(Inheritance::Refused { pointer, detail }) => invalid.add(pointer, "conflict", detail),
            Some(Inheritance::Granted(inherited)) => {
                check_terms(&kept, destination, Some(*inherited), inherit, header_prefix, &mut warnings, &mut invalid);
            }
            None => check_terms(&kept, destination, None, inherit, header_prefix, &mut warnings, &mut invalid),
        }
        if !invalid.findings.is_empty() || !destination.misread.findings.is_empty() {
            return Err(together(destination.misread.clone(), invalid));
        }
        kept.sealed = seal(&own, event, keys)?;
        Ok((kept, warnings))
    }

    /// The same destination at another URL. Headers of its own go along only to the same origin: they may be credentials of
    /// the receiver that it had.
    ///
    /// # Errors
    /// At `/url`, if the URL is none that may be sent to, or if the credentials cannot be opened.
    pub(crate) fn at(&self, url: &str, event: EventId, keys: &MasterKeys, egress: &Egress) -> Result<Self, Invalid> {
        let (target, _) = TargetUrl::parse(url, egress)?;
        let mut own = self.open(event, keys).map_err(|why| Invalid::one("/url", "conflict", why))?;
        let is_same_origin = as_it_is_sent(&self.url).is_some_and(|old| target.is_of_the_origin_of(old.as_str()));
        if !is_same_origin {
            own.headers.clear();
        }
        let sealed = seal(&own, event, keys)?;
        Ok(Self { url: target.url.as_str().to_owned(), sealed, ..self.clone() })
    }

    /// The destination, ready to be sent to; `inherit` is the endpoint that its `endpoint_key` names now.
    ///
    /// # Errors
    /// Why it cannot be used, for operators; the text has no secret.
    pub(crate) fn usable(
        &self,
        event: EventId,
        keys: &MasterKeys,
        inherit: Option<&Endpoint>,
        egress: &Egress,
    ) -> Result<Target, String> {
        if self.endpoint_key.is_some() && inherit.is_none() {
            return Err(format!("endpoint_key: {UNKNOWN_ENDPOINT_KEY}"));
        }
        let (url, _) = TargetUrl::parse(&self.url, egress).map_err(|invalid| invalid.to_string())?;
        let own = self.open(event, keys)?;
        let credentials = match inherit {
            Some(from) => match Inheritance::of(self, &own, Some(&url), from) {
                Inheritance::Refused { pointer, detail } => return Err(format!("{}: {detail}", &pointer[1..])),
                Inheritance::Granted(inherited) => over(own, &inherited),
            },
            None => own,
        };
        let Policy { scheme, timeout_ms, retry } = self.policy(inherit);
        let timeout = Duration::from_millis(timeout_ms.into());
        let target = Target::new(url, scheme, Arc::new(credentials), timeout, retry);
        // A destination with a preset of its own inherits no part of the endpoint's policy.
        let from = inherit.filter(|_| self.preset.is_none());
        let success = from.map(|from| from.spec.success_statuses.clone()).unwrap_or_default();
        let permanent = from.map_or_else(Statuses::none, |from| from.spec.permanent_statuses.clone());
        let method = from.map(|from| from.spec.method).unwrap_or_default();
        let trace = from.is_some_and(|from| from.spec.trace);
        let body = self.body(inherit);
        let target = target.map(|target| target.by(method).succeeding_on(success, permanent).traced(trace));
        target.and_then(|target| target.with_body(&body)).map_err(|invalid| invalid.to_string())
    }

    /// What its requests have as their body: what its preset has, or what the endpoint has that it inherits from.
    #[must_use]
    pub(crate) fn body(&self, inherit: Option<&Endpoint>) -> Body {
        match (self.preset, inherit) {
            (None, Some(from)) => from.spec.body.clone(),
            (preset, _) => preset.unwrap_or(Preset::External).body().into(),
        }
    }

    /// Scheme, timeout and retry policy: each its own, or from the preset that it names, or inherited, or from `external`.
    fn policy(&self, inherit: Option<&Endpoint>) -> Policy {
        let base = match (self.preset, inherit) {
            (None, Some(from)) => Policy {
                scheme: from.spec.scheme.clone(),
                timeout_ms: from.spec.timeout_ms,
                retry: from.spec.retry.clone(),
            },
            (preset, _) => {
                let preset = preset.unwrap_or(Preset::External);
                Policy { scheme: preset.scheme(), timeout_ms: preset.timeout_ms(), retry: preset.retry() }
            }
        };
        Policy {
            scheme: self.scheme.clone().unwrap_or(base.scheme),
            timeout_ms: self.timeout_ms.unwrap_or(base.timeout_ms),
            retry: self.retry.clone().unwrap_or_default().over(base.retry).for_inline(),
        }
    }

    /// The most sends of one budget.
    pub(super) fn max_attempts(&self, inherit: Option<&Endpoint>) -> u32 {
        self.policy(inherit).retry.max_attempts
    }

    /// Whether requests to this destination have their body signed; `inherit` as for [`KeptDestination::usable`].
    #[must_use]
    pub(crate) fn signs_body(&self, inherit: Option<&Endpoint>) -> bool {
        let can_sign = self.sealed.is_some() || inherit.is_some_and(|from| from.credentials.can_sign());
        can_sign && self.policy(inherit).scheme.signs_body()
    }

    fn open(&self, event: EventId, keys: &MasterKeys) -> Result<Credentials, String> {
        let Some(sealed) = &self.sealed else { return Ok(Credentials::default()) };
        let sealed = STANDARD.decode(sealed).map_err(|_| "its credentials are not base64".to_owned())?;
        let plain = keys.open(&sealed, &context(event)).map_err(|error| format!("its credentials: {error}"))?;
        let plain = Zeroizing::new(plain);
        // serde's own message is dropped: it could repeat a value.
        serde_json::from_slice(&plain).map_err(|_| "its credentials are not of a known form".to_owned())
    }
}

const UNKNOWN_ENDPOINT_KEY: &str = "no endpoint of this tenant has this key";

struct Policy {
    scheme: Scheme,
    timeout_ms: u32,
    retry: Retry,
}

fn check_terms(
    kept: &KeptDestination,
    destination: &Destination,
    inherited: Option<Credentials>,
    inherit: Option<&Endpoint>,
    header_prefix: &str,
    warnings: &mut Vec<Warning>,
    invalid: &mut Invalid,
) {
    setting::check(&Draft { timeout_ms: kept.timeout_ms, ..Draft::default() }, invalid);
    let Policy { scheme, retry, .. } = kept.policy(inherit);
    // The policy as given: here values out of bounds are refused; stored ones are cut to the bounds when they are used.
    let retry = kept.retry.clone().unwrap_or_default().over_for_inline(retry, invalid);
    let own = Credentials { headers: destination.headers.clone().unwrap_or_default(), ..Credentials::default() };
    let inherited = inherited.unwrap_or_default();
    let Credentials { headers, auth, .. } = over(own, &inherited);
    let given = Given {
        url: &kept.url,
        preset: kept.preset.unwrap_or(Preset::External),
        scheme: Some(scheme),
        secret: destination.secret.clone().map(Some),
        headers,
        auth,
        // Checked with its endpoint: an inline destination has none of its own.
        tls: None,
        retry: Some(retry.into()),
    };
    // Without header values and `auth`: inherited ones are not stored, so there is nothing that `***` could keep.
    let signing = Credentials { headers: BTreeMap::new(), auth: None, tls: None, ..inherited };
    let present = inherit.map(|_| &signing);
    Terms::of(given, Inherited { present, missing: Missing::Refuse }, header_prefix, warnings, invalid);
}

fn own_credentials(destination: &Destination, scheme: &Scheme) -> Credentials {
    let secret: Vec<_> = destination.secret.iter().cloned().map(Secret::lasting).collect();
    let is_asymmetric =
        *scheme == Scheme::StandardEd25519 && secret.iter().any(|secret| SigningKey::is_meant(&secret.text));
    let (secrets, signing_keys) = if is_asymmetric { (Vec::new(), secret) } else { (secret, Vec::new()) };
    Credentials {
        secrets,
        signing_keys,
        headers: destination.headers.clone().unwrap_or_default(),
        auth: None,
        tls: None,
    }
}

fn seal(credentials: &Credentials, event: EventId, keys: &MasterKeys) -> Result<Option<String>, Invalid> {
    if *credentials == Credentials::default() {
        return Ok(None);
    }
    let plain = serde_json::to_vec(credentials).map(Zeroizing::new);
    let plain = plain.map_err(|_| Invalid::one("", "malformed", "holds credentials that cannot be kept"))?;
    Ok(Some(STANDARD.encode(keys.seal(&plain, &context(event)))))
}

/// The context that the seal of the credentials is bound to: their event.
pub(super) fn context(event: EventId) -> String {
    format!("event:{event}")
}
