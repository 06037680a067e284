//! The parts of signing, for code that checks signatures: the message that is signed, the signature, and its place in
//! the headers. Recipe and arithmetic are those of [`compose`](super::compose).

use super::{
    Facts, Unsignable,
    mac::{encode, hmac},
    signer::pieces,
};
use crate::{
    endpoint::{Custom, SecretError, placeholder::InSchemeHeader, recipe::Recipe, template::Template},
    invalid::Invalid,
};

/// Why no signature can be made for comparison.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scheme itself is wrong.
    #[error("the scheme is wrong")]
    Scheme(Invalid),
    /// The secret does not have the scheme's format.
    #[error("the secret {0}")]
    Secret(#[from] SecretError),
    /// The payload lacks what the scheme signs.
    #[error(transparent)]
    Unsignable(#[from] Unsignable),
}

/// The bytes that `scheme` signs.
///
/// # Errors
/// When the scheme is wrong, or the payload lacks what it signs.
pub fn message(scheme: &Custom, facts: &Facts<'_>) -> Result<Vec<u8>, Error> {
    let recipe = Recipe::compile(scheme).map_err(Error::Scheme)?;
    Ok(pieces(&recipe.message, facts)?.concat())
}

/// The signature that `secret` gives, as text.
///
/// # Errors
/// When scheme or secret are wrong, or the payload lacks what is signed.
pub fn signature(scheme: &Custom, secret: &str, facts: &Facts<'_>) -> Result<String, Error> {
    let recipe = Recipe::compile(scheme).map_err(Error::Scheme)?;
    let key = recipe.key_format.key(secret)?;
    Ok(encode(recipe.encoding, &hmac(recipe.digest, &key, &pieces(&recipe.message, facts)?)))
}

/// The values that stand in a header of a scheme, by the names of its placeholders; `None` if the header has another
/// form than `template`, one of a scheme's header texts.
#[must_use]
pub fn read_header(template: &str, text: &str) -> Option<Vec<(String, String)>> {
    let template = Template::<InSchemeHeader>::parse(template).ok()?;
    let values = template.unfill(text)?;
    Some(values.into_iter().map(|(name, value)| (name.to_string(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{endpoint::Scheme, time::Timestamp};

    #[test]
    fn a_scheme_spelled_out_signs_as_the_scheme_does() {
        let facts = Facts {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            method: crate::endpoint::Method::Post,
            url: "https://example.com/hook",
            body: br#"{"test": 2432232314}"#,
            now: Timestamp::from_millis(1_614_265_330_000),
        };
        let svix = Scheme::Svix.spelled_out().unwrap();
        let signature = signature(&svix, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &facts).unwrap();
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let message = message(&svix, &facts).unwrap();
        assert_eq!(message, br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#);
        assert!(matches!(super::signature(&svix, "plain", &facts), Err(Error::Secret(_))));
        assert_eq!((Scheme::None.spelled_out(), Scheme::Svix.list_separator()), (None, Some(' ')));
    }

    #[test]
    fn headers_give_back_what_was_written_into_them() {
        let values = read_header("v={timestamp_ms},d={signature}", "v=1614265330000,d=4c92").unwrap();
        assert_eq!(values[0], ("timestamp_ms".to_owned(), "1614265330000".to_owned()));
        assert_eq!(values[1], ("signature".to_owned(), "4c92".to_owned()));
        assert!(read_header("sha256={signature}", "sha1=4c92").is_none());
    }
}
