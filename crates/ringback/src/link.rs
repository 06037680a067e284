//! Links that open pages without a login: the evidence of one call for somebody outside, and a tenant's portal.
//!
//! The text of a link holds its id and 32 random bytes. Only the SHA-256 of the whole is kept, as of tokens: 256 random bits
//! cannot be guessed, so a slow hash would protect nothing more.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    id::{DeliveryId, EventId, LinkId},
    time::Timestamp,
    word::words,
};

/// Random bytes of a link.
const SECRET_BYTES: usize = 32;

/// Bytes of an id.
const ID_BYTES: usize = 16;

words! {
    /// What a link to a portal allows.
    PortalScope {
        View "view": "look at the tenant's endpoints, events and deliveries",
        Manage "manage": "look at them, change endpoints, test them, and replay",
    }
}

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// The evidence of one delivery.
    Delivery(DeliveryId),
    /// The evidence of all events that have the key of this one. The key itself is not kept, so that erasing it from its
    /// events erases it everywhere.
    KeyOf(EventId),
    /// The tenant's portal.
    Portal(PortalScope),
}

impl Opens {
    /// The word by which a store keeps it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivery(_) => "delivery",
            Self::KeyOf(_) => "key",
            Self::Portal(scope) => scope.name(),
        }
    }

    /// The id beside that word.
    #[must_use]
    pub const fn subject(self) -> Option<Uuid> {
        match self {
            Self::Delivery(id) => Some(id.uuid()),
            Self::KeyOf(id) => Some(id.uuid()),
            Self::Portal(_) => None,
        }
    }

    /// Reads back what a store kept; `None` if it makes no sense.
    #[must_use]
    pub fn read(word: &str, subject: Option<Uuid>) -> Option<Self> {
        match (word, subject) {
            ("delivery", Some(id)) => Some(Self::Delivery(DeliveryId::from_uuid(id))),
            ("key", Some(id)) => Some(Self::KeyOf(EventId::from_uuid(id))),
            (scope, None) => scope.parse().ok().map(Self::Portal),
            _ => None,
        }
    }
}

/// The part of a link that is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id, which is also a part of its text.
    pub id: LinkId,
    /// What it opens.
    pub opens: Opens,
    /// The one tenant that it shows anything of.
    pub tenant: String,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When it became a session; only a link to a portal does, and only once.
    pub opened_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("id", &self.id)
            .field("opens", &self.opens)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// A link's text, taken apart. It has no `Display`, and `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkText {
    id: LinkId,
    secret: [u8; SECRET_BYTES],
}

/// A text that is not of a link's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a link")]
pub struct NoLink;

impl LinkText {
    /// A new one.
    #[must_use]
    pub fn generate(id: LinkId) -> Self {
        Self { id, secret: rand::random() }
    }

    /// The id of the link that it claims to be.
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// The text that stands in the URL.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.id.uuid().as_bytes().as_slice(), &self.secret].concat())
    }

    /// The SHA-256 of its text, which is stored.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }
}

impl fmt::Debug for LinkText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkText({}, ***)", self.id)
    }
}

impl FromStr for LinkText {
    type Err = NoLink;

    fn from_str(text: &str) -> Result<Self, NoLink> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NoLink)?;
        let (id, secret) = bytes.split_at_checked(ID_BYTES).ok_or(NoLink)?;
        let id = Uuid::from_slice(id).map_err(|_| NoLink)?;
        Ok(Self { id: LinkId::from_uuid(id), secret: secret.try_into().map_err(|_| NoLink)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_text_is_read_back() {
        let text = LinkText::generate(LinkId::new(Timestamp::now()));
        let printed = text.expose();
        assert_eq!(printed.parse(), Ok(text.clone()));
        assert_eq!(printed.len(), 64);
        for wrong in ["", &printed[1..], &format!("{printed}A"), &format!("{printed}=")] {
            assert_eq!(wrong.parse::<LinkText>(), Err(NoLink), "{wrong}");
        }
        let other = LinkText::generate(text.id());
        assert_eq!(other.id(), text.id());
        assert_ne!(other.digest(), text.digest());
        assert!(!format!("{text:?}").contains(&printed[22..]));
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let event = EventId::new(Timestamp::now());
        let mut all = vec![Opens::Delivery(event.delivery(1)), Opens::KeyOf(event)];
        all.extend(PortalScope::ALL.iter().map(|scope| Opens::Portal(*scope)));
        for opens in all {
            assert_eq!(Opens::read(opens.word(), opens.subject()), Some(opens));
        }
        assert_eq!(Opens::read("view", Some(event.uuid())), None);
        assert_eq!(Opens::read("key", None), None);
    }
}
