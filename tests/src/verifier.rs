//! A customer's own check of a request, by the documents of the vendors. It shares no code with Ringback's signer: it
//! knows each scheme by its document and not by Ringback's table of schemes.

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ringback::endpoint::Scheme;
use sha2::{Sha256, Sha512};

use crate::receiver::Arrived;

/// What a customer knows of its own endpoint.
#[derive(Debug, Clone)]
pub struct Known {
    /// What was agreed.
    pub scheme: Scheme,
    /// The secret's text; empty where nothing is signed.
    pub secret: String,
    /// `whpk_…` of a `standard-ed25519` endpoint.
    pub public_key: Option<String>,
    /// Where it listens, as it was registered.
    pub url: String,
}

/// Checks a request; the Unix seconds that were signed, `None` where the scheme signs no time.
///
/// `call_id` is what stands at `/call/call_id` of the body: the caller knows it, and no JSON parser has to agree.
///
/// # Errors
/// What a customer would not trust about it.
pub fn verify(known: &Known, request: &Arrived, call_id: Option<&str>) -> Result<Option<u64>, String> {
    let (header, body, secret) = (|name| request.header(name), &request.body[..], known.secret.as_bytes());
    match &known.scheme {
        Scheme::Standard => standard(known, request, "webhook").map(Some),
        Scheme::StandardEd25519 => {
            signed_by_pair(known, request)?;
            standard(known, request, "webhook").map(Some)
        }
        Scheme::Svix => standard(known, request, "svix").map(Some),
        Scheme::Levrage => {
            equal(header("x-levrage-signature"), &hex::encode(sha256(secret, &[body])))?;
            Ok(None)
        }
        Scheme::Synthflow => {
            let call_id = call_id.ok_or("the body has no call id")?;
            equal(header("http_synthflow_signature"), &BASE64_STANDARD.encode(sha256(secret, &[call_id.as_bytes()])))?;
            Ok(None)
        }
        Scheme::Retell => {
            let value = header("x-retell-signature").strip_prefix("v=").ok_or("no v=")?;
            let (millis, digest) = value.split_once(",d=").ok_or("no d=")?;
            equal(digest, &hex::encode(sha256(secret, &[body, millis.as_bytes()])))?;
            number(millis).map(|millis| Some(millis / 1_000))
        }
        Scheme::Elevenlabs => {
            let value = header("elevenlabs-signature").strip_prefix("t=").ok_or("no t=")?;
            let (seconds, digest) = value.split_once(",v0=").ok_or("no v0=")?;
            equal(digest, &hex::encode(sha256(secret, &[seconds.as_bytes(), b".", body])))?;
            number(seconds).map(Some)
        }
        Scheme::Github => {
            let digest = header("x-hub-signature-256").strip_prefix("sha256=").ok_or("no sha256=")?;
            equal(digest, &hex::encode(sha256(secret, &[body])))?;
            Ok(None)
        }
        Scheme::PlainHex => {
            equal(header("x-webhook-signature"), &hex::encode(sha256(secret, &[body])))?;
            Ok(None)
        }
        Scheme::None => {
            let signature = request.headers.keys().find(|name| name.as_str().contains("signature"));
            signature.map_or(Ok(None), |name| Err(format!("{name} though nothing is signed")))
        }
        Scheme::Custom(_) => custom(known, request).map(Some),
    }
}

/// Standard Webhooks and Svix: the key is what follows `whsec_`, in base64.
fn standard(known: &Known, request: &Arrived, prefix: &str) -> Result<u64, String> {
    let header = |name: &str| request.header(&format!("{prefix}-{name}")).to_owned();
    let (id, seconds) = (header("id"), header("timestamp"));
    let key = known.secret.strip_prefix("whsec_").and_then(|text| BASE64_STANDARD.decode(text).ok()).ok_or("no key")?;
    let expected = sha256(&key, &[id.as_bytes(), b".", seconds.as_bytes(), b".", &request.body]);
    let expected = format!("v1,{}", BASE64_STANDARD.encode(expected));
    let signatures = header("signature");
    let found = signatures.split(' ').any(|signature| signature == expected);
    if found { number(&seconds) } else { Err(format!("{expected} is not in `{signatures}`")) }
}

/// The `v1a` signature of Standard Webhooks.
fn signed_by_pair(known: &Known, request: &Arrived) -> Result<(), String> {
    let key = known.public_key.as_deref().and_then(|text| text.strip_prefix("whpk_")).ok_or("no public key")?;
    let key: [u8; 32] = BASE64_STANDARD.decode(key).ok().and_then(|key| key.try_into().ok()).ok_or("no key")?;
    let key = VerifyingKey::from_bytes(&key).map_err(|error| error.to_string())?;
    let (id, seconds) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    let message = [id.as_bytes(), b".", seconds.as_bytes(), b".", &request.body].concat();
    let mut items = request.header("webhook-signature").split(' ');
    let signature = items.find_map(|item| item.strip_prefix("v1a,")).ok_or("no v1a signature")?;
    let signature = BASE64_STANDARD.decode(signature).map_err(|error| error.to_string())?;
    let signature = Signature::from_slice(&signature).map_err(|error| error.to_string())?;
    key.verify(&message, &signature).map_err(|error| error.to_string())
}

/// The one custom scheme of the tests: SHA-512 over id, time, method, URL and body, keyed with bytes written in hex.
fn custom(known: &Known, request: &Arrived) -> Result<u64, String> {
    let value = request.header("x-acme-sig").strip_prefix("at=").ok_or("no at=")?;
    let (millis, signature) = value.split_once(";sig=").ok_or("no sig=")?;
    let key = hex::decode(&known.secret).map_err(|error| error.to_string())?;
    let mut mac = Hmac::<Sha512>::new_from_slice(&key).map_err(|error| error.to_string())?;
    mac.update(format!("{}|{millis}|POST {}|", request.header("ringback-id"), known.url).as_bytes());
    mac.update(&request.body);
    equal(signature, &BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))?;
    number(millis).map(|millis| millis / 1_000)
}

fn sha256(key: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes keys of any length");
    pieces.iter().for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().to_vec()
}

fn equal(came: &str, expected: &str) -> Result<(), String> {
    if came == expected { Ok(()) } else { Err(format!("`{came}` came, `{expected}` was expected")) }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no time"))
}
