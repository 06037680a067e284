//! An inline destination as it is stored beside its event.
//!
//! Only what the caller said is kept. What it inherits is looked up anew for every attempt, so that a
//! rotated secret or a changed policy of the endpoint holds for it as well. [`super::inherit`] decides what that is:
//! when the event is emitted, and again for every attempt.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Credentials, Destination, Draft, Endpoint, Preset, Retry, RetryDraft, Scheme, Secret, SigningKey, Target,
    TargetUrl, check,
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

/// An inline destination as it is stored beside its event. What SQL callers write is the same document
/// with `url` and `endpoint_key` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptDestination {
    /// Where to send; normalised when it came through the engine, verbatim when it came by SQL.
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
    /// Where a stored destination goes. What came by SQL is verbatim: its URL is found even where the rest is
    /// unusable.
    #[must_use]
    pub fn url_of(stored: &str) -> Option<String> {
        if let Ok(kept) = serde_json::from_str::<Self>(stored) {
            return Some(kept.url);
        }
        let document: serde_json::Value = serde_json::from_str(stored).ok()?;
        document.get("url")?.as_str().map(str::to_owned)
    }

    /// Checks a caller's destination and makes it what is stored, its secrets sealed for `event` alone.
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
            // It says all there is to say: what follows from a secret that is not inherited would only confuse.
            Some(Inheritance::Refused { pointer, detail }) => invalid.add(pointer, "conflict", detail),
            Some(Inheritance::Granted(inherited)) => {
                check_terms(&kept, destination, Some(inherited), inherit, header_prefix, &mut warnings, &mut invalid);
            }
            None => check_terms(&kept, destination, None, inherit, header_prefix, &mut warnings, &mut invalid),
        }
        if !invalid.findings.is_empty() || !destination.misread.findings.is_empty() {
            return Err(together(destination.misread.clone(), invalid));
        }
        kept.sealed = seal(&own, event, keys)?;
        Ok((kept, warnings))
    }

    /// What sending needs of it; `inherit` is the endpoint that its `endpoint_key` names now.
    ///
    /// # Errors
    /// Why it cannot be used, in words for operators that hold no secret.
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
        // A policy is inherited as a whole, or not.
        let from = inherit.filter(|_| self.preset.is_none());
        let success = from.map(|from| from.spec.success_statuses.clone()).unwrap_or_default();
        target.map(|target| target.succeeding_on(success)).map_err(|invalid| invalid.to_string())
    }

    /// Scheme and policy: its own, or those of the preset that it names, or inherited, or the `external` preset's.
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

    /// Whether the bytes of the payload are signed when it is sent to; `inherit` as for [`KeptDestination::usable`].
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
        // What serde says could repeat a value.
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
    // As it was given: what is out of bounds is refused here, and brought within them only when it is stored already.
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
        retry: Some(retry.into()),
    };
    // Without header values: a mask stands for nothing here, since what is inherited is not written down.
    let signing = Credentials { headers: BTreeMap::new(), auth: None, ..inherited };
    let present = inherit.map(|_| &signing);
    Terms::of(given, Inherited { present, missing: Missing::Refuse }, header_prefix, warnings, invalid);
}

fn own_credentials(destination: &Destination, scheme: &Scheme) -> Credentials {
    let secret: Vec<_> = destination.secret.iter().cloned().map(Secret::lasting).collect();
    let is_asymmetric =
        *scheme == Scheme::StandardEd25519 && secret.iter().any(|secret| SigningKey::is_meant(&secret.text));
    let (secrets, signing_keys) = if is_asymmetric { (Vec::new(), secret) } else { (secret, Vec::new()) };
    Credentials { secrets, signing_keys, headers: destination.headers.clone().unwrap_or_default(), auth: None }
}

fn seal(credentials: &Credentials, event: EventId, keys: &MasterKeys) -> Result<Option<String>, Invalid> {
    if *credentials == Credentials::default() {
        return Ok(None);
    }
    let plain = serde_json::to_vec(credentials).map(Zeroizing::new);
    let plain = plain.map_err(|_| Invalid::one("", "malformed", "holds credentials that cannot be kept"))?;
    Ok(Some(STANDARD.encode(keys.seal(&plain, &context(event)))))
}

/// What binds the credentials to their event.
pub(super) fn context(event: EventId) -> String {
    format!("event:{event}")
}
