//! A request, composed and signed for one attempt: pure, with time as an argument.
//!
//! Invariants: the body is the payload as it was emitted, or what the endpoint's `body` makes of it; what is signed is what is
//! sent; the signature is made for this attempt and no other; no header that a caller set can replace one of the request's,
//! the scheme's or Ringback's own.

pub(crate) mod body;
mod headers;
mod mac;
pub mod parts;
mod signer;

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, InvalidHeaderName, USER_AGENT},
};

use self::headers::Headers;
pub use self::signer::Facts;
pub(crate) use self::signer::Signer;
use super::{send::Spelling, step::Step};
use crate::{
    delivery::Marks,
    egress::Identity,
    endpoint::{
        Auth, BodyForm, MASK, Method, OWN_NAMES, Target,
        body::{JSON, Recipe},
        bounds::HEAD_BYTES_MAX,
        placeholder::InHeader,
    },
    event::Event,
    time::Timestamp,
};

/// The value of `User-Agent`.
pub(in crate::deliver) const AGENT: &str = concat!("Ringback/", env!("CARGO_PKG_VERSION"));

/// The names of Ringback's own headers, behind one prefix: created once, since every request has most of them.
#[derive(Debug, Clone)]
pub struct OwnNames {
    names: [HeaderName; OWN_NAMES.len()],
    /// The names as they are written, with the prefix spelled as configured.
    spelled: [String; OWN_NAMES.len()],
}

impl OwnNames {
    /// The names behind `prefix`.
    ///
    /// # Errors
    /// When the prefix cannot stand in a header's name.
    pub fn behind(prefix: &str) -> Result<Self, InvalidHeaderName> {
        let spelled = OWN_NAMES.map(|name| format!("{prefix}{name}"));
        let [id, event_type, event_time, attempt, test, replay] = spelled.each_ref().map(HeaderName::try_from);
        Ok(Self { names: [id?, event_type?, event_time?, attempt?, test?, replay?], spelled })
    }
}

/// One attempt to be signed.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its payload.
    pub body: &'a Bytes,
    /// The attempt's number, from 1.
    pub attempt: i32,
    /// Why the delivery exists.
    pub marks: Marks,
    /// The moment that is signed.
    pub now: Timestamp,
}

/// A request as it goes to a receiver, except `host` and `content-length`, which sending adds.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The request's method.
    pub method: Method,
    /// Where the request goes.
    pub url: url::Url,
    /// All headers except `host` and `content-length`. Callers' values and credentials are marked as sensitive.
    pub headers: HeaderMap,
    /// How the headers' names are written on the wire.
    pub spelling: Spelling,
    /// What is sent and signed: the payload, byte for byte as it was emitted, or what the endpoint's `body` makes of it.
    pub body: Bytes,
    /// Who sends it, where that is not everyone's.
    pub identity: Option<Arc<Identity>>,
}

impl Signed {
    /// The same with further headers, whose values nobody sees again. They replace none that is there.
    ///
    /// # Errors
    /// When one cannot be sent, or the head would be too large with them.
    pub(crate) fn with(self, added: BTreeMap<String, String>) -> Result<Self, Unsignable> {
        let mut headers = self.headers;
        for (name, value) in added {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unsignable::Header(name))?;
            if !headers.contains_key(&name) {
                let value = HeaderValue::try_from(value).map_err(|_| Unsignable::Header(name.as_str().to_owned()))?;
                headers::add(&mut headers, name, value, true);
            }
        }
        headers::check_size(&headers)?;
        Ok(Self { headers, ..self })
    }

    /// The same with the headers that say which span of which trace it is. They replace none that is there.
    ///
    /// # Errors
    /// When the head would be too large with them.
    pub(in crate::deliver) fn in_trace(self, step: &Step) -> Result<Self, Unsignable> {
        let mut headers = self.headers;
        for (name, value) in step.headers() {
            if let Some(value) = value.filter(|_| !headers.contains_key(name)) {
                let value = HeaderValue::try_from(value).map_err(|_| Unsignable::Header(name.to_owned()))?;
                headers::add(&mut headers, HeaderName::from_static(name), value, false);
            }
        }
        headers::check_size(&headers)?;
        Ok(Self { headers, ..self })
    }

    /// The headers as operators see them: sensitive values read `***`.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| {
            let open = if value.is_sensitive() { None } else { value.to_str().ok() };
            (name.as_str(), open.unwrap_or(MASK))
        })
    }
}

/// Why an event cannot be signed for a destination: it is unroutable there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsignable {
    /// The scheme signs a value that the payload does not have.
    #[error("the scheme signs the value at {0}, and the payload has none there")]
    MissingPointer(String),
    /// The scheme signs a value inside the payload, and the payload is not JSON.
    #[error("the scheme signs the value at {0}, and the payload is not JSON")]
    NotJson(String),
    /// The value that the scheme signs is a string that no encoding can write as bytes.
    #[error("the scheme signs the value at {0}, and the string there holds half of a surrogate pair")]
    NotText(String),
    /// The scheme would sign too much beside the payload.
    #[error("the scheme's message {0}")]
    Message(String),
    /// The endpoint's body cannot be made of the payload.
    #[error("the endpoint's body {0}")]
    Body(String),
    /// Placeholders in headers stand for too much.
    #[error("the request's head would have {0} bytes; at most {HEAD_BYTES_MAX} are sent")]
    Head(usize),
    /// The scheme signs, but no secret is valid at this time.
    #[error("no secret is valid at this time")]
    NoActiveSecret,
    /// A value cannot stand in a header.
    #[error("the value of header {0} cannot be sent")]
    Header(String),
}

/// How many bytes [`compose`] processes for a payload of `bytes`; bytes that it passes twice count twice.
pub(crate) fn effort(target: &Target, bytes: usize) -> usize {
    let signing = target.signer.as_ref().map_or(0, |signer| signer.effort(bytes));
    body::effort(&target.body, bytes).saturating_add(signing)
}

/// Composes and signs one attempt; `own` names Ringback's own headers.
///
/// # Errors
/// When the payload lacks what the scheme signs, or nothing can sign or be sent.
pub fn compose(target: &Target, message: &Message<'_>, own: &OwnNames) -> Result<Signed, Unsignable> {
    let made = body::make(&target.body, message)?;
    let mut headers = Headers::new();
    if made.content_type == JSON {
        headers.fixed(CONTENT_TYPE, JSON);
    } else {
        headers.open(CONTENT_TYPE, |out| out.push_str(made.content_type));
    }
    headers.fixed(ACCEPT_ENCODING, "identity");
    headers.fixed(USER_AGENT, AGENT);
    let id = message.event.id.to_string();
    let message = &Message { body: &made.bytes, ..*message };
    if let Some(signer) = &target.signer {
        let (method, url) = (target.method, target.url.url.as_str());
        let facts = Facts { id: &id, method, url, body: message.body, now: message.now };
        signer.sign(&facts, &mut headers)?;
    }
    own_headers(&mut headers, message, &id, own);
    if matches!(target.body, Recipe::Form(BodyForm::CloudeventsBinary)) {
        body::cloudevents::attributes(message.event, &mut headers);
    }
    for (name, template) in &*target.headers {
        let write = |out: &mut String| template.fill(out, |placeholder, out| write(placeholder, message, out));
        headers.secret(name.clone(), write);
    }
    if let Some(auth) = &target.credentials.auth {
        // A token that must be fetched comes with what authorises the request.
        if let Some((name, value)) = authorization(auth)? {
            headers.secret(name, |out| out.push_str(&value));
        }
    }
    let (headers, spelling) = (headers.finish()?, target.spelling(&own.spelled));
    let (method, url, identity) = (target.method, target.url.url.clone(), target.identity.clone());
    Ok(Signed { method, url, headers, spelling, body: made.bytes, identity })
}

fn own_headers(headers: &mut Headers, message: &Message<'_>, event_id: &str, own: &OwnNames) {
    let [id, event_type, event_time, attempt, test, replay] = &own.names;
    headers.open(id.clone(), |out| out.push_str(event_id));
    headers.open(event_type.clone(), |out| out.push_str(&message.event.event_type));
    headers.open(event_time.clone(), |out| print(message.event.occurred_at, out));
    headers.open(attempt.clone(), |out| print(message.attempt, out));
    if message.marks.test || message.event.test {
        headers.fixed(test.clone(), "1");
    }
    if message.marks.replay {
        headers.fixed(replay.clone(), "1");
    }
}

/// Writes a value as it is printed.
fn print(value: impl fmt::Display, out: &mut String) {
    // A `String` takes whatever is written.
    let _ = write!(out, "{value}");
}

fn write(placeholder: &InHeader, message: &Message<'_>, out: &mut String) {
    let event = message.event;
    match placeholder {
        InHeader::Type => out.push_str(&event.event_type),
        InHeader::Id => print(event.id, out),
        InHeader::OccurredAt => print(event.occurred_at, out),
        InHeader::Attempt => print(message.attempt, out),
        InHeader::Tenant => out.push_str(&event.tenant),
    }
}

fn authorization(auth: &Auth) -> Result<Option<(HeaderName, String)>, Unsignable> {
    Ok(Some(match auth {
        Auth::Bearer { token } => (AUTHORIZATION, format!("Bearer {token}")),
        Auth::Basic { username, password } => {
            (AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
        }
        Auth::ApiKey { header, value } => {
            let name = HeaderName::from_bytes(header.as_bytes()).map_err(|_| Unsignable::Header(header.clone()))?;
            (name, value.clone())
        }
        Auth::Oauth2(_) => return Ok(None),
    }))
}

#[cfg(test)]
mod tests;
