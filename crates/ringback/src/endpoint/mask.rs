//! `***`: what answers show in place of a credential, and what a request may send back to keep it.

use std::collections::BTreeMap;

use super::{Auth, ClientTls, Credentials};
use crate::document::escape;
use crate::invalid::Invalid;

/// Stands for a credential wherever one is shown.
pub const MASK: &str = "***";

/// Puts the present values of headers in place of masks.
pub(super) fn unmask_headers(
    headers: &mut BTreeMap<String, String>,
    present: Option<&Credentials>,
    invalid: &mut Invalid,
) {
    for (name, value) in headers.iter_mut().filter(|(_, value)| *value == MASK) {
        let kept = present.and_then(|present| {
            present.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        match kept {
            Some(kept) => kept.clone_into(value),
            None => refuse(&format!("/headers/{}", escape(name)), invalid),
        }
    }
}

/// Puts the present secrets of `auth` in place of masks.
pub(super) fn unmask_auth(auth: &mut Auth, present: Option<&Credentials>, invalid: &mut Invalid) {
    let present = present.and_then(|present| present.auth.as_ref());
    let mut put = |value: &mut String, kept: Option<&String>, pointer| {
        if value == MASK {
            match kept {
                Some(kept) => kept.clone_into(value),
                None => refuse(pointer, invalid),
            }
        }
    };
    match (auth, present) {
        (Auth::Bearer { token }, Some(Auth::Bearer { token: kept })) => put(token, Some(kept), "/auth/token"),
        (Auth::Bearer { token }, _) => put(token, None, "/auth/token"),
        (Auth::Basic { username, password }, Some(Auth::Basic { username: name, password: word })) => {
            put(username, Some(name), "/auth/username");
            put(password, Some(word), "/auth/password");
        }
        (Auth::Basic { username, password }, _) => {
            put(username, None, "/auth/username");
            put(password, None, "/auth/password");
        }
        (Auth::ApiKey { value, .. }, Some(Auth::ApiKey { value: kept, .. })) => put(value, Some(kept), "/auth/value"),
        (Auth::ApiKey { value, .. }, _) => put(value, None, "/auth/value"),
        (Auth::Oauth2(oauth), Some(Auth::Oauth2(kept))) => {
            put(&mut oauth.client_secret, Some(&kept.client_secret), "/auth/client_secret");
        }
        (Auth::Oauth2(oauth), _) => put(&mut oauth.client_secret, None, "/auth/client_secret"),
    }
}

/// Puts the present key in place of a mask. False, with a finding, if there is none.
pub(super) fn unmask_tls(tls: &mut ClientTls, present: Option<&Credentials>, invalid: &mut Invalid) -> bool {
    if tls.client_key.as_deref() != Some(MASK) {
        return true;
    }
    let kept = present.and_then(|present| present.tls.as_ref()?.client_key.clone());
    if kept.is_none() {
        refuse("/tls/client_key", invalid);
    }
    let is_there = kept.is_some();
    tls.client_key = kept;
    is_there
}

fn refuse(pointer: &str, invalid: &mut Invalid) {
    invalid.add(pointer, "masked", "is the mask that answers show; there is no present value that it could stand for");
}
