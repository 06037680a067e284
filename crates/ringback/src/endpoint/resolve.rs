//! From a draft to an endpoint with effective values, or to every reason why not.

use std::fmt;

use super::{
    Auth, Credentials, Draft, Endpoint, Spec, TargetUrl, check,
    setting::{self, Rest},
    signing::Missing,
    terms::{Given, Inherited, Terms},
};
use crate::{
    egress::Egress,
    invalid::{Invalid, Warning},
    time::Timestamp,
};

/// A draft that passed every check, with its preset's values filled in.
#[derive(Clone)]
pub struct Resolved {
    /// The tenant that is to own it, if the draft names one.
    pub tenant: Option<String>,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Whether it sends.
    pub enabled: bool,
    /// Its configuration.
    pub spec: Spec,
    /// Its credentials, to be sealed.
    pub credentials: Credentials,
    /// A new secret, to be shown this once.
    pub generated_or_given_secret: Option<String>,
    /// What was accepted, but is probably a mistake.
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

impl Resolved {
    /// The same with warnings of what time has made, or will soon make, useless.
    pub(crate) fn warned(mut self, now: Timestamp) -> Self {
        self.warnings.extend(self.credentials.tls.iter().flat_map(|tls| tls.warnings(now)));
        self
    }
}

impl Draft {
    /// Checks everything and fills in what the draft leaves open.
    ///
    /// # Errors
    /// Every field that is wrong, by its pointer.
    pub fn resolve(self, egress: &Egress, header_prefix: &str) -> Result<Resolved, Invalid> {
        self.settle(None, egress, header_prefix)
    }

    /// The same for an endpoint that exists. It keeps its secrets if the draft names none, and header and `auth` values for
    /// which the draft gives `***`, as answers show them.
    ///
    /// # Errors
    /// Every field that is wrong, by its pointer.
    pub(crate) fn resolve_for(
        self,
        current: &Endpoint,
        egress: &Egress,
        header_prefix: &str,
    ) -> Result<Resolved, Invalid> {
        let mut resolved = self.settle(Some(&current.credentials), egress, header_prefix)?;
        // What was proved of one URL says nothing of another.
        resolved.spec.verified_at = current.spec.verified_at.filter(|_| resolved.spec.url == current.spec.url);
        Ok(resolved)
    }

    fn settle(
        mut self,
        present: Option<&Credentials>,
        egress: &Egress,
        header_prefix: &str,
    ) -> Result<Resolved, Invalid> {
        let misread = std::mem::take(&mut self.misread);
        match self.check(present, egress, header_prefix) {
            Ok(resolved) => misread.or(resolved),
            Err(invalid) => Err(together(misread, invalid)),
        }
    }

    fn check(
        mut self,
        present: Option<&Credentials>,
        egress: &Egress,
        header_prefix: &str,
    ) -> Result<Resolved, Invalid> {
        let mut invalid = Invalid::default();
        let mut warnings = Vec::new();
        check::tenant(self.tenant.as_deref(), &mut invalid);
        check::key(self.key.as_deref(), "/key", &mut invalid);
        let url = url(self.url.as_deref(), egress, &mut warnings, &mut invalid);
        self.fallback_url = fallback(self.fallback_url.take(), egress, &mut warnings, &mut invalid);
        setting::check(&self, &mut invalid);
        check::event_types(self.event_types.as_deref(), &mut invalid);
        if let Some(Auth::Oauth2(oauth)) = &mut self.auth {
            oauth.check_url(egress, &mut invalid);
        }
        let terms = Terms::of(
            Given {
                url: &url,
                preset: self.preset.unwrap_or_default(),
                scheme: self.scheme.take(),
                secret: self.secret.take(),
                headers: self.headers.take().unwrap_or_default(),
                auth: self.auth.take(),
                tls: self.tls.take(),
                retry: self.retry.take(),
            },
            Inherited { present, missing: Missing::Generate },
            header_prefix,
            &mut warnings,
            &mut invalid,
        );
        let preset = self.preset.unwrap_or_default();
        let event_types = self.event_types.take().unwrap_or_default();
        let rest = Rest { url, event_types, scheme: terms.scheme, retry: terms.retry };
        let spec = setting::settle(&mut self, preset, rest);
        check::statuses(&spec.success_statuses, &spec.permanent_statuses, &mut invalid);
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

/// Both kinds of findings together. Those that only follow from a field that could not be read are left out.
pub(super) fn together(misread: Invalid, found: Invalid) -> Invalid {
    let unread = |pointer: &str| misread.findings.iter().any(|finding| is_at_or_under(pointer, &finding.pointer));
    let scheme_unread = ["/scheme", "/preset"]
        .iter()
        .any(|field| misread.findings.iter().any(|finding| is_at_or_under(&finding.pointer, field)));
    let further: Vec<_> = found
        .findings
        .into_iter()
        .filter(|finding| !unread(&finding.pointer))
        .filter(|finding| !scheme_unread || finding.pointer != "/secret")
        .collect();
    Invalid { findings: misread.findings.into_iter().chain(further).collect() }
}

fn is_at_or_under(pointer: &str, field: &str) -> bool {
    pointer.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A fallback by the rules of `url`, whose findings and warnings are its own.
fn fallback(
    text: Option<String>,
    egress: &Egress,
    warnings: &mut Vec<Warning>,
    invalid: &mut Invalid,
) -> Option<String> {
    const POINTER: &str = "/fallback_url";
    match TargetUrl::parse(&text?, egress) {
        Ok((target, warning)) => {
            warnings.extend(warning.map(|warning| Warning { pointer: POINTER.to_owned(), ..warning }));
            Some(target.url.into())
        }
        Err(refusal) => {
            refusal.findings.into_iter().for_each(|found| invalid.add(POINTER, found.code, found.detail));
            None
        }
    }
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
