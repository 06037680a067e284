//! A request, composed and signed for one attempt: pure, with time as an argument.
//!
//! Invariants: the body is the payload as it was emitted; the signature is made for this attempt and no
//! other; no header that a caller set can replace one of the request's, the scheme's or Ringback's own.

mod mac;
pub mod parts;
mod signer;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};

pub use self::signer::Facts;
pub(crate) use self::signer::Signer;
use crate::{
    delivery::Marks,
    endpoint::{Auth, MASK, Target, placeholder::InHeader},
    event::Event,
    time::Timestamp,
};

/// Who sends.
const AGENT: &str = concat!("Ringback/", env!("CARGO_PKG_VERSION"));

/// Names of Ringback's own headers, behind the prefix.
pub(crate) const OWN_NAMES: [&str; 5] = ["event-type", "event-time", "attempt", "test", "replay"];

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

/// A request as it goes to a receiver, but for `host` and `content-length`, which sending adds.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Where it goes.
    pub url: url::Url,
    /// All headers but `host` and `content-length`.
    pub headers: HeaderMap,
    /// The same headers as operators see them: credentials read `***`.
    pub shown: Vec<(String, String)>,
    /// The payload, byte for byte as it was emitted.
    pub body: Bytes,
}

/// Why an event cannot be signed for a destination: it is unroutable there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsignable {
    /// The scheme signs a value that the payload does not have.
    #[error("the scheme signs the value at {0}, and the payload has none there")]
    MissingPointer(String),
    /// The scheme signs, but no secret is valid at this time.
    #[error("no secret is valid at this time")]
    NoActiveSecret,
    /// A value cannot stand in a header.
    #[error("the value of header {0} cannot be sent")]
    Header(String),
}

/// Composes and signs one attempt. `header_prefix` stands before the names of Ringback's own headers.
///
/// # Errors
/// When the payload lacks what the scheme signs, or nothing can sign or be sent.
pub fn compose(target: &Target, message: &Message<'_>, header_prefix: &str) -> Result<Signed, Unsignable> {
    let mut headers = Headers::with_capacity(16 + target.headers.len());
    headers.fixed(CONTENT_TYPE, "application/json");
    headers.fixed(ACCEPT_ENCODING, "identity");
    headers.fixed(USER_AGENT, AGENT);
    if let Some(signer) = &target.signer {
        let id = message.event.id.to_string();
        let facts = Facts { id: &id, url: target.url.url.as_str(), body: message.body, now: message.now };
        for (name, value) in signer.sign(&facts)? {
            headers.open(name, value)?;
        }
    }
    own_headers(&mut headers, message, header_prefix)?;
    for (name, template) in &*target.headers {
        let value = template.fill(|placeholder, out| write(placeholder, message, out));
        headers.secret(name.clone(), value)?;
    }
    if let Some(auth) = &target.credentials.auth {
        let (name, value) = authorization(auth)?;
        headers.secret(name, value)?;
    }
    let Headers { map, shown } = headers;
    Ok(Signed { url: target.url.url.clone(), headers: map, shown, body: message.body.clone() })
}

fn own_headers(headers: &mut Headers, message: &Message<'_>, prefix: &str) -> Result<(), Unsignable> {
    let [event_type, event_time, attempt, test, replay] = OWN_NAMES;
    let mut own = |name: &str, value: String| {
        let text = format!("{prefix}{name}");
        let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| Unsignable::Header(text))?;
        headers.open(name, value)
    };
    own(event_type, message.event.event_type.clone())?;
    own(event_time, message.event.occurred_at.to_string())?;
    own(attempt, message.attempt.to_string())?;
    if message.marks.test || message.event.test {
        own(test, "1".to_owned())?;
    }
    if message.marks.replay {
        own(replay, "1".to_owned())?;
    }
    Ok(())
}

fn write(placeholder: &InHeader, message: &Message<'_>, out: &mut String) {
    let event = message.event;
    match placeholder {
        InHeader::Type => out.push_str(&event.event_type),
        InHeader::Id => out.push_str(&event.id.to_string()),
        InHeader::OccurredAt => out.push_str(&event.occurred_at.to_string()),
        InHeader::Attempt => out.push_str(&message.attempt.to_string()),
        InHeader::Tenant => out.push_str(&event.tenant),
    }
}

fn authorization(auth: &Auth) -> Result<(HeaderName, String), Unsignable> {
    Ok(match auth {
        Auth::Bearer { token } => (AUTHORIZATION, format!("Bearer {token}")),
        Auth::Basic { username, password } => {
            (AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
        }
        Auth::ApiKey { header, value } => {
            let name = HeaderName::from_bytes(header.as_bytes()).map_err(|_| Unsignable::Header(header.clone()))?;
            (name, value.clone())
        }
    })
}

/// The headers as they are sent, and as they are shown.
struct Headers {
    map: HeaderMap,
    shown: Vec<(String, String)>,
}

impl Headers {
    fn with_capacity(capacity: usize) -> Self {
        Self { map: HeaderMap::with_capacity(capacity), shown: Vec::with_capacity(capacity) }
    }

    /// A value that is the same in every request.
    fn fixed(&mut self, name: HeaderName, value: &'static str) {
        self.shown.push((name.as_str().to_owned(), value.to_owned()));
        self.map.insert(name, HeaderValue::from_static(value));
    }

    /// A value that operators may see.
    fn open(&mut self, name: HeaderName, value: String) -> Result<(), Unsignable> {
        let sent = HeaderValue::from_str(&value).map_err(|_| Unsignable::Header(name.as_str().to_owned()))?;
        self.shown.push((name.as_str().to_owned(), value));
        self.map.insert(name, sent);
        Ok(())
    }

    /// A caller's value, which nobody sees again. It never takes the place of a header that is there: the
    /// prefix may have changed, or an inherited `auth` come up, since it was checked.
    fn secret(&mut self, name: HeaderName, value: String) -> Result<(), Unsignable> {
        if self.map.contains_key(&name) {
            return Ok(());
        }
        let mut sent = HeaderValue::try_from(value).map_err(|_| Unsignable::Header(name.as_str().to_owned()))?;
        sent.set_sensitive(true);
        self.shown.push((name.as_str().to_owned(), MASK.to_owned()));
        self.map.insert(name, sent);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
