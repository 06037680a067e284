//! Terms: the fields that endpoints and inline destinations have in common: scheme, credentials, retry.

use std::collections::BTreeMap;

use super::{
    Auth, ClientTls, Credentials, Preset, Retry, RetryDraft, Scheme, bounds,
    header::{self, Reserved},
    mask,
    placeholder::InSchemeHeader,
    recipe::Recipe,
    signing::{self, Missing},
};
use crate::invalid::{Invalid, Warning};

/// The fields that endpoints and inline destinations share, as given.
pub(super) struct Given<'a> {
    pub(super) url: &'a str,
    pub(super) preset: Preset,
    pub(super) scheme: Option<Scheme>,
    pub(super) secret: Option<Option<String>>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) auth: Option<Auth>,
    pub(super) tls: Option<ClientTls>,
    pub(super) retry: Option<RetryDraft>,
}

/// The present credentials, and what is done about a missing secret.
pub(super) struct Inherited<'a> {
    pub(super) present: Option<&'a Credentials>,
    pub(super) missing: Missing,
}

/// The same fields with effective values.
pub(super) struct Terms {
    pub(super) scheme: Scheme,
    pub(super) credentials: Credentials,
    pub(super) new_secret: Option<String>,
    pub(super) retry: Retry,
}

impl Terms {
    /// Fills in and checks the fields. Findings are added to `invalid`; if there are any, the terms must not be used.
    pub(super) fn of(
        given: Given<'_>,
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
        if let Some(Some(secret)) = &given.secret {
            warnings.extend(scheme.secret_warnings(secret));
        }
        if let Some(recipe) = &recipe {
            bounds::check_message(&recipe.message, given.url, invalid);
        }
        let signing = signing::settle(&scheme, given.secret, inherited.present, inherited.missing, invalid);

        let scheme_headers = recipe.map(|recipe| recipe.headers).unwrap_or_default();
        for (name, _) in &scheme_headers {
            header::check_name_length(name, "/scheme/headers", invalid);
        }
        if let Some((name, _)) = scheme_headers.iter().find(|(name, value)| {
            // A header of the scheme that carries the event's id may have the name of Ringback's own id header, as both have
            // the same value: so `webhook-` may be the prefix together with Standard Webhooks.
            let both_are_the_id = header::is_own_id(name, header_prefix) && value.is_only(&InSchemeHeader::Id);
            header::is_own(name, header_prefix) && !both_are_the_id
        }) {
            invalid.add("/scheme/headers", "header_refused", format!("{name} is set by Ringback on every request"));
        }
        let names = scheme_headers.into_iter().map(|(name, _)| name).collect();
        let reserved = Reserved { prefix: header_prefix, scheme: names };
        let (headers, auth) = credentials(given.headers, given.auth, inherited.present, &reserved, invalid);

        let tls = client_tls(given.tls, inherited.present, invalid);

        let retry = given.retry.unwrap_or_default().over(given.preset.retry());
        retry.check(invalid);

        let credentials =
            Credentials { secrets: signing.secrets, signing_keys: signing.signing_keys, headers, auth, tls };
        Self { scheme, credentials, new_secret: signing.new, retry }
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

/// `None` if it says nothing.
fn client_tls(tls: Option<ClientTls>, present: Option<&Credentials>, invalid: &mut Invalid) -> Option<ClientTls> {
    let mut tls = tls.filter(|tls| !tls.is_empty())?;
    if mask::unmask_tls(&mut tls, present, invalid)
        && let Err(refusal) = tls.identity()
    {
        invalid.absorb("", refusal);
    }
    Some(tls)
}

fn signature_without_body(pointer: &str) -> Warning {
    Warning {
        code: "signature_without_body",
        pointer: pointer.to_owned(),
        detail: "the signature does not cover the payload: who sees one request can forge others".to_owned(),
    }
}
