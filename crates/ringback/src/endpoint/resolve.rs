//! From a draft to an endpoint with effective values, or to every reason why not.

use std::{collections::BTreeMap, fmt};

use super::{
    Auth, Credentials, Draft, MAX_IN_FLIGHT_DEFAULT, Preset, Retry, RetryDraft, Scheme, Spec, TargetUrl, check,
    header::{self, Reserved},
    mask,
    recipe::Recipe,
    signing::{self, Missing},
};
use crate::{
    deliver::send::Egress,
    invalid::{Invalid, Warning},
};

/// A draft that passed every check, with its preset's values filled in.
#[derive(Clone)]
pub struct Resolved {
    /// Whose it is to be, if the draft says so.
    pub tenant: Option<String>,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Whether it sends.
    pub enabled: bool,
    /// Its configuration.
    pub spec: Spec,
    /// What is to be sealed.
    pub credentials: Credentials,
    /// A secret that is new, to be shown this once.
    pub generated_or_given_secret: Option<String>,
    /// What was taken, but is probably a mistake.
    pub warnings: Vec<Warning>,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("tenant", &self.tenant)
            .field("key", &self.key)
            .field("enabled", &self.enabled)
            .field("spec", &self.spec)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl Draft {
    /// Checks everything and fills in what the draft leaves open.
    ///
    /// # Errors
    /// Every field that is wrong, by its pointer.
    pub fn resolve(mut self, egress: &Egress, header_prefix: &str) -> Result<Resolved, Invalid> {
        let misread = std::mem::take(&mut self.misread);
        match self.check(egress, header_prefix) {
            Ok(resolved) => misread.or(resolved),
            Err(invalid) => Err(together(misread, invalid)),
        }
    }

    fn check(self, egress: &Egress, header_prefix: &str) -> Result<Resolved, Invalid> {
        let mut invalid = Invalid::default();
        let mut warnings = Vec::new();
        check::tenant(self.tenant.as_deref(), &mut invalid);
        check::key(self.key.as_deref(), "/key", &mut invalid);
        let url = url(self.url.as_deref(), egress, &mut warnings, &mut invalid);
        check::name(self.name.as_deref(), &mut invalid);
        check::description(self.description.as_deref(), &mut invalid);
        check::event_types(self.event_types.as_deref(), &mut invalid);
        let terms = Terms::of(
            Given {
                preset: self.preset.unwrap_or_default(),
                scheme: self.scheme,
                secret: self.secret,
                headers: self.headers.unwrap_or_default(),
                auth: self.auth,
                timeout_ms: self.timeout_ms,
                retry: self.retry,
            },
            Inherited { present: self.present.as_deref(), missing: Missing::Generate },
            header_prefix,
            &mut warnings,
            &mut invalid,
        );
        let max_in_flight = self.max_in_flight.unwrap_or(MAX_IN_FLIGHT_DEFAULT);
        check::max_in_flight(max_in_flight, &mut invalid);
        check::rate_per_second(self.rate_per_second, &mut invalid);
        let spec = Spec {
            url,
            name: self.name,
            description: self.description,
            event_types: self.event_types.unwrap_or_default(),
            preset: self.preset.unwrap_or_default(),
            scheme: terms.scheme,
            timeout_ms: terms.timeout_ms,
            retry: terms.retry,
            max_in_flight,
            rate_per_second: self.rate_per_second,
            ordered: self.ordered.unwrap_or_default(),
            on_dead: self.on_dead.unwrap_or_default(),
        };
        invalid.or(Resolved {
            tenant: self.tenant,
            key: self.key,
            enabled: self.enabled.unwrap_or(true),
            spec,
            credentials: terms.credentials,
            generated_or_given_secret: terms.new_secret,
            warnings,
        })
    }
}

/// What could not be read, and what was found besides. What follows only from a field that could not be
/// read is left out.
pub(super) fn together(misread: Invalid, found: Invalid) -> Invalid {
    let unread = |pointer: &str| misread.findings.iter().any(|finding| is_at_or_under(pointer, &finding.pointer));
    let scheme_unread = ["/scheme", "/preset"]
        .iter()
        .any(|field| misread.findings.iter().any(|finding| is_at_or_under(&finding.pointer, field)));
    let further: Vec<_> = found
        .findings
        .into_iter()
        .filter(|finding| !unread(&finding.pointer) && !(scheme_unread && finding.pointer == "/secret"))
        .collect();
    Invalid { findings: misread.findings.into_iter().chain(further).collect() }
}

fn is_at_or_under(pointer: &str, field: &str) -> bool {
    pointer.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn url(text: Option<&str>, egress: &Egress, warnings: &mut Vec<Warning>, invalid: &mut Invalid) -> String {
    let Some(text) = text else {
        invalid.add("/url", "required", "is missing");
        return String::new();
    };
    match TargetUrl::parse(text, egress) {
        Ok((target, warning)) => {
            warnings.extend(warning);
            target.url.into()
        }
        Err(refusal) => {
            invalid.absorb("", refusal);
            String::new()
        }
    }
}

/// The fields that endpoints and inline destinations share, as given.
pub(super) struct Given {
    pub(super) preset: Preset,
    pub(super) scheme: Option<Scheme>,
    pub(super) secret: Option<Option<String>>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) auth: Option<Auth>,
    pub(super) timeout_ms: Option<u32>,
    pub(super) retry: Option<RetryDraft>,
}

/// What was there before, and what is done where nothing was.
pub(super) struct Inherited<'a> {
    pub(super) present: Option<&'a Credentials>,
    pub(super) missing: Missing,
}

/// The same fields with effective values.
pub(super) struct Terms {
    pub(super) scheme: Scheme,
    pub(super) credentials: Credentials,
    pub(super) new_secret: Option<String>,
    pub(super) timeout_ms: u32,
    pub(super) retry: Retry,
}

impl Terms {
    /// Settles and checks them; what is wrong is added to `invalid`, and then the terms are not to be used.
    pub(super) fn of(
        given: Given,
        inherited: Inherited<'_>,
        header_prefix: &str,
        warnings: &mut Vec<Warning>,
        invalid: &mut Invalid,
    ) -> Self {
        let scheme_pointer = if given.scheme.is_some() { "/scheme" } else { "/preset" };
        let scheme = given.scheme.unwrap_or_else(|| given.preset.scheme());
        let recipe = Recipe::of(&scheme).unwrap_or_else(|refusal| {
            invalid.absorb("/scheme", refusal);
            None
        });
        if recipe.as_ref().is_some_and(|recipe| !recipe.signs_body()) {
            warnings.push(signature_without_body(scheme_pointer));
        }
        let signing = signing::settle(&scheme, given.secret, inherited.present, inherited.missing, invalid);

        let names = recipe.map(|recipe| recipe.headers.into_iter().map(|(name, _)| name).collect());
        let reserved = Reserved { prefix: header_prefix, scheme: names.unwrap_or_default() };
        let (headers, auth) = credentials(given.headers, given.auth, inherited.present, &reserved, invalid);

        let timeout_ms = given.timeout_ms.unwrap_or_else(|| given.preset.timeout_ms());
        check::timeout_ms(timeout_ms, invalid);
        let retry = given.retry.unwrap_or_default().over(given.preset.retry());
        retry.check(invalid);

        let credentials = Credentials { secrets: signing.secrets, signing_keys: signing.signing_keys, headers, auth };
        Self { scheme, credentials, new_secret: signing.new, timeout_ms, retry }
    }
}

fn credentials(
    mut headers: BTreeMap<String, String>,
    mut auth: Option<Auth>,
    present: Option<&Credentials>,
    reserved: &Reserved<'_>,
    invalid: &mut Invalid,
) -> (BTreeMap<String, String>, Option<Auth>) {
    mask::unmask_headers(&mut headers, present, invalid);
    header::check(&headers, reserved, invalid);
    if let Some(auth) = &mut auth {
        mask::unmask_auth(auth, present, invalid);
        header::check_auth(auth, &headers, reserved, invalid);
    }
    (headers, auth)
}

fn signature_without_body(pointer: &str) -> Warning {
    Warning {
        code: "signature_without_body",
        pointer: pointer.to_owned(),
        detail: "the signature does not cover the payload: who sees one request can forge others".to_owned(),
    }
}
