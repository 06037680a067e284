//! The checks of the receivers, written from their vendors' documents only. They share no code with the engine's signer, so
//! that a mistake there is found here.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How old or young a timestamp may be, in seconds: what the libraries of Svix and Standard Webhooks allow.
const TOLERANCE: u64 = 300;

/// A vendor's rule.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    /// `X-Levrage-Signature`: hex HMAC-SHA256 of the body, keyed with the secret's literal text.
    Levrage {
        /// The secret that the customer chose.
        secret: String,
    },
    /// `svix-id`, `svix-timestamp`, `svix-signature`.
    Svix {
        /// `whsec_…`, as the platform showed it.
        secret: String,
    },
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`, and a bearer token beside them.
    StandardAndBearer {
        /// `whsec_…`, as the platform showed it.
        secret: String,
        /// The token that must be in `authorization`.
        token: String,
    },
    /// No signature at all, and exactly these bytes.
    Bytes(&'static str),
}

impl Rule {
    /// The signature that fits, or what is wrong.
    pub(super) fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<String, String> {
        if text(headers, "content-type")? != "application/json" {
            return Err("content-type is not application/json".to_owned());
        }
        match self {
            Self::Levrage { secret } => levrage(headers, body, secret),
            Self::Svix { secret } => signed_message(headers, body, secret, "svix"),
            Self::StandardAndBearer { secret, token } => {
                let fits = text(headers, "authorization")? == format!("Bearer {token}");
                let signed = signed_message(headers, body, secret, "webhook")?;
                if fits { Ok(format!("{signed}, so does the bearer token")) } else { Err("wrong token".to_owned()) }
            }
            Self::Bytes(expected) => same_bytes(headers, body, expected),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    let value = headers.get(name).ok_or_else(|| format!("{name} is missing"))?;
    value.to_str().map_err(|_| format!("{name} is not text"))
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn levrage(headers: &HeaderMap, body: &[u8], secret: &str) -> Result<String, String> {
    let expected = hex::encode(hmac(secret.as_bytes(), &[body]));
    let came = text(headers, "x-levrage-signature")?;
    let fits = bool::from(expected.as_bytes().ct_eq(came.as_bytes()));
    if fits { Ok("X-Levrage-Signature fits".to_owned()) } else { Err("X-Levrage-Signature does not fit".to_owned()) }
}

/// Svix and Standard Webhooks: base64 HMAC-SHA256 of `id.timestamp.body`, the key in base64 behind `whsec_`.
fn signed_message(headers: &HeaderMap, body: &[u8], secret: &str, prefix: &str) -> Result<String, String> {
    let id = text(headers, &format!("{prefix}-id"))?;
    let timestamp = text(headers, &format!("{prefix}-timestamp"))?;
    let signatures = text(headers, &format!("{prefix}-signature"))?;
    let sent: u64 = timestamp.parse().map_err(|_| "the timestamp is not a number".to_owned())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now.abs_diff(sent) > TOLERANCE {
        return Err("the timestamp is too far from now".to_owned());
    }
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok()).ok_or("the secret is no key")?;
    let expected = hmac(&key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    let expected = format!("v1,{}", STANDARD.encode(expected));
    let fits = signatures.split(' ').any(|one| bool::from(one.as_bytes().ct_eq(expected.as_bytes())));
    if fits { Ok(format!("{prefix}-signature fits")) } else { Err(format!("{prefix}-signature does not fit")) }
}

fn same_bytes(headers: &HeaderMap, body: &[u8], expected: &str) -> Result<String, String> {
    if let Some(name) = headers.keys().find(|name| name.as_str().contains("signature")) {
        return Err(format!("{name} came, though this document promises no signature"));
    }
    let same = body == expected.as_bytes();
    if same { Ok(format!("all {} bytes as emitted", body.len())) } else { Err("the bytes are others".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().chain(&[("content-type", "application/json")]);
        pairs.map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_levrage_rule_takes_the_documents_own_arithmetic_and_nothing_else() {
        let rule = Rule::Levrage { secret: "whsec_your_secret_key".to_owned() };
        let body = br#"{"event":"CALL_ENDED","timestamp":"2025-01-15T10:30:00Z","data":{"session_id":"call_uuid"}}"#;
        let right = "e8dccfcc9a98446ef2ca1e0fd4175c3cec8842f0bc973528761166c467bc3dfb";
        assert!(rule.check(&headers(&[("x-levrage-signature", right)]), body).is_ok());
        assert!(rule.check(&headers(&[("x-levrage-signature", right)]), b"{}").is_err());
        assert!(rule.check(&headers(&[]), body).is_err());
    }

    #[test]
    fn the_svix_rule_refuses_what_is_old() {
        let rule = Rule::Svix { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned() };
        let told = rule.check(
            &headers(&[
                ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("svix-timestamp", "1614265330"),
                ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ]),
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(told.unwrap_err(), "the timestamp is too far from now");
    }
}
