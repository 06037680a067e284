//! The one evaluator of all schemes: recipe and secrets in, headers out.

use std::{borrow::Cow, fmt};

use zeroize::Zeroizing;

use super::{
    Unsignable,
    headers::Headers,
    mac::{encode, hmac},
    print,
};
use crate::{
    endpoint::{
        Credentials, Encoding, Method, Scheme, Secret, SecretRule, SigningKey,
        bounds::{self, BESIDE_BODY_MAX},
        placeholder::{InMessage, InSchemeHeader},
        pointer::{NoValue, Pointer},
        recipe::Recipe,
        template::{Part, Template},
    },
    invalid::Invalid,
    time::Timestamp,
};

/// A scheme with its secrets, read and ready.
pub(crate) struct Signer {
    recipe: Recipe,
    /// HMAC keys, the current one first.
    keys: Vec<Timed<Zeroizing<Vec<u8>>>>,
    /// Signing keys for `v1a`, the current one first.
    signing_keys: Vec<Timed<SigningKey>>,
}

/// What is signed about one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The event's id as text.
    pub id: &'a str,
    /// By which method.
    pub method: Method,
    /// Where it is sent.
    pub url: &'a str,
    /// The payload.
    pub body: &'a [u8],
    /// The moment that is signed.
    pub now: Timestamp,
}

/// A key and the time in which it signs.
struct Timed<K> {
    key: K,
    not_before: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl<K> Timed<K> {
    const fn new(key: K, secret: &Secret) -> Self {
        Self { key, not_before: secret.not_before, until: secret.until }
    }

    fn is_active(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

impl Signer {
    /// Reads a scheme and its secrets; `None` if nothing is signed.
    ///
    /// # Errors
    /// When the scheme or a secret cannot be used, or one is needed and missing.
    pub(crate) fn new(scheme: &Scheme, credentials: &Credentials) -> Result<Option<Self>, Invalid> {
        let mut under_scheme = Invalid::default();
        let recipe = Recipe::of(scheme).map_err(|invalid| {
            under_scheme.absorb("/scheme", invalid);
            under_scheme
        })?;
        let Some(recipe) = recipe else { return Ok(None) };
        if credentials.secrets.is_empty() {
            return match scheme.secret_rule() {
                SecretRule::Optional | SecretRule::Unused => Ok(None),
                SecretRule::Generated | SecretRule::Required => {
                    Err(Invalid::one("/secret", "required", format!("is missing: scheme {} signs", scheme.name())))
                }
            };
        }
        let keys = credentials.secrets.iter().map(|secret| {
            let key = recipe.key_format.key(&secret.text);
            key.map(|key| Timed::new(key, secret))
                .map_err(|error| Invalid::one("/secret", "malformed", error.to_string()))
        });
        let keys = keys.collect::<Result<_, _>>()?;
        let signing_keys = if recipe.also_ed25519.is_some() { signing_keys(credentials)? } else { Vec::new() };
        Ok(Some(Self { recipe, keys, signing_keys }))
    }

    /// How many bytes signing a payload of `bytes` processes: all once for each key, and once for each step of a pointer
    /// into the payload.
    pub(super) fn effort(&self, bytes: usize) -> usize {
        let steps = self.recipe.message.parts().iter().map(|part| match part {
            Part::Value(InMessage::Json(pointer)) => 1 + pointer.steps(),
            _ => 0,
        });
        bytes.saturating_mul(self.keys.len() + self.signing_keys.len() + steps.sum::<usize>())
    }

    /// Writes the scheme's headers for one attempt.
    ///
    /// # Errors
    /// When the payload lacks what is signed, or no secret is active.
    pub(super) fn sign(&self, facts: &Facts<'_>, headers: &mut Headers) -> Result<(), Unsignable> {
        let pieces = pieces(&self.recipe.message, facts)?;
        let mut active = self.keys.iter().filter(|key| key.is_active(facts.now));
        let current = active.next().ok_or(Unsignable::NoActiveSecret)?;
        let mac = |key: &[u8]| encode(self.recipe.encoding, &hmac(self.recipe.digest, key, &pieces));

        let signature = mac(&current.key);
        let mut further = String::new();
        if let Some(also) = &self.recipe.also {
            active.for_each(|key| fill(also, &mac(&key.key), facts, &mut further));
        }
        if let Some(also) = &self.recipe.also_ed25519 {
            let whole = pieces.concat();
            for key in self.signing_keys.iter().filter(|key| key.is_active(facts.now)) {
                fill(also, &encode(Encoding::Base64, &key.key.sign(&whole)), facts, &mut further);
            }
        }
        for (name, template) in &self.recipe.headers {
            headers.open(name.clone(), |out| {
                fill(template, &signature, facts, out);
                if template.has(|value| *value == InSchemeHeader::Signature) {
                    out.push_str(&further);
                }
            });
        }
        Ok(())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer(*** {} keys)", self.keys.len() + self.signing_keys.len())
    }
}

fn signing_keys(credentials: &Credentials) -> Result<Vec<Timed<SigningKey>>, Invalid> {
    let keys = credentials.signing_keys.iter().map(|secret| {
        SigningKey::parse(&secret.text)
            .map(|key| Timed::new(key, secret))
            .ok_or_else(|| Invalid::one("/secret", "malformed", "holds an ed25519 key that cannot be read"))
    });
    keys.collect()
}

/// What is signed, piece by piece.
pub(super) fn pieces<'a>(
    template: &'a Template<InMessage>,
    facts: &Facts<'a>,
) -> Result<Vec<Cow<'a, [u8]>>, Unsignable> {
    if let Some((_, why)) = bounds::excess(template) {
        return Err(Unsignable::Message(why));
    }
    let mut pieces = Vec::with_capacity(template.parts().len());
    let mut beside_body = 0;
    for part in template.parts() {
        let piece = piece(part, facts)?;
        if !matches!(part, Part::Value(InMessage::Body)) {
            beside_body += piece.len();
        }
        if beside_body > BESIDE_BODY_MAX {
            let why = format!("has more than {BESIDE_BODY_MAX} bytes beside the payload");
            return Err(Unsignable::Message(why));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

fn piece<'a>(part: &'a Part<InMessage>, facts: &Facts<'a>) -> Result<Cow<'a, [u8]>, Unsignable> {
    let text = |text: Cow<'a, str>| match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    Ok(match part {
        Part::Text(literal) => text(literal.into()),
        Part::Value(InMessage::Id) => text(facts.id.into()),
        Part::Value(InMessage::Timestamp) => text(facts.now.seconds().to_string().into()),
        Part::Value(InMessage::TimestampMs) => text(facts.now.millis().to_string().into()),
        Part::Value(InMessage::Body) => Cow::Borrowed(facts.body),
        Part::Value(InMessage::Url) => text(facts.url.into()),
        Part::Value(InMessage::Method) => text(facts.method.name().into()),
        Part::Value(InMessage::Json(pointer)) => {
            text(pointer.value(facts.body).map_err(|why| unsignable(why, pointer))?)
        }
    })
}

fn unsignable(why: NoValue, pointer: &Pointer) -> Unsignable {
    let pointer = pointer.to_string();
    match why {
        NoValue::NotJson => Unsignable::NotJson(pointer),
        NoValue::Absent => Unsignable::MissingPointer(pointer),
        NoValue::NotText => Unsignable::NotText(pointer),
    }
}

fn fill(template: &Template<InSchemeHeader>, signature: &str, facts: &Facts<'_>, out: &mut String) {
    template.fill(out, |value, out| match value {
        InSchemeHeader::Signature => out.push_str(signature),
        InSchemeHeader::Timestamp => print(facts.now.seconds(), out),
        InSchemeHeader::TimestampMs => print(facts.now.millis(), out),
        InSchemeHeader::Id => out.push_str(facts.id),
    });
}
