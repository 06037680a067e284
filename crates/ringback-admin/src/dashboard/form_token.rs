//! Form tokens: each form has one, which proves that the form is from a page of this session.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringback::{seal::MasterKeys, time::Timestamp};

use super::session::LIFETIME;

/// A token for the forms of one page. `session` is the cookie, or empty without one.
pub(super) fn make(session: &str, keys: &MasterKeys, now: Timestamp) -> String {
    let until = (now + LIFETIME).micros().to_be_bytes();
    URL_SAFE_NO_PAD.encode(keys.seal(&until, &context(session)))
}

/// Whether a token was made for this session and has not expired.
pub(super) fn is_good(token: &str, session: &str, keys: &MasterKeys, now: Timestamp) -> bool {
    let until = || {
        let plain = keys.open(&URL_SAFE_NO_PAD.decode(token).ok()?, &context(session)).ok()?;
        Some(i64::from_be_bytes(plain.try_into().ok()?))
    };
    until().is_some_and(|until| now.micros() < until)
}

fn context(session: &str) -> String {
    format!("dashboard-form:{session}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_good_for_its_own_session_alone() {
        let (keys, now) = (MasterKeys::parse(&MasterKeys::generate_text(), &[]).unwrap(), Timestamp::now());
        let token = make("mine", &keys, now);
        assert!(is_good(&token, "mine", &keys, now));
        assert!(!is_good(&token, "yours", &keys, now));
        assert!(!is_good(&token, "mine", &keys, now + LIFETIME));
        assert!(!is_good("", "mine", &keys, now));
    }
}
