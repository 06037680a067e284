//! Cursors: where the next page of a list begins, in a form that callers can neither read nor make.
//!
//! A cursor is sealed under the master key, so every node of an installation accepts it, also after a restart.
//! The seal is bound to the list, the caller's tenant and the filter: with any other it does not open.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringback::{
    id::{DeliveryId, EndpointId, EventId, ReplayId},
    seal::MasterKeys,
    store::AuditPosition,
    time::Timestamp,
};

use crate::{
    auth::Access,
    extract::Parameters,
    problem::{Fault, Problem},
};

/// The version of the sealed layout. A cursor of another version is refused, like one that was tampered with.
const VERSION: u8 = 1;

/// Most items of a page, and the default.
const LIMIT_MAX: u32 = 1_000;
const LIMIT_DEFAULT: u32 = 50;

/// A place in a list.
pub(crate) trait Position: Sized {
    fn to_bytes(&self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Which page of a list is asked for.
pub(crate) struct Paging {
    /// At most so many items.
    pub(crate) limit: u32,
    cursor: Option<String>,
    conditions: String,
}

impl Paging {
    /// Takes `limit` and `cursor`.
    pub(crate) fn read(parameters: &mut Parameters) -> Self {
        Self {
            limit: parameters.number("limit", 1, LIMIT_MAX).unwrap_or(LIMIT_DEFAULT),
            cursor: parameters.take("cursor"),
            conditions: parameters.conditions(),
        }
    }

    /// Whether it is the first page.
    pub(crate) const fn is_first(&self) -> bool {
        self.cursor.is_none()
    }

    /// Where this page begins; `None` at the start of the list.
    ///
    /// # Errors
    /// 400 for a cursor that was not made for this list, caller and filter.
    pub(crate) fn position<P: Position>(
        &self,
        list: &str,
        access: &Access,
        keys: &MasterKeys,
    ) -> Result<Option<P>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let open = || {
            let sealed = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let plain = keys.open(&sealed, &self.context(list, access)).ok()?;
            P::from_bytes(plain.strip_prefix(&[VERSION])?)
        };
        open().map(Some).ok_or_else(|| {
            let detail = "was not made for this list with these parameters; begin again without it";
            Problem::bad_request(vec![Fault::parameter("cursor", "invalid_cursor", detail)])
        })
    }

    /// The cursor of the next page.
    pub(crate) fn cursor<P: Position>(&self, next: &P, list: &str, access: &Access, keys: &MasterKeys) -> String {
        let mut plain = vec![VERSION];
        plain.extend(next.to_bytes());
        URL_SAFE_NO_PAD.encode(keys.seal(&plain, &self.context(list, access)))
    }

    fn context(&self, list: &str, access: &Access) -> String {
        format!("cursor:{list}:{:?}:{}", access.tenant, self.conditions)
    }
}

macro_rules! position_by_id {
    ($($id:ty),+) => {$(
        impl Position for $id {
            fn to_bytes(&self) -> Vec<u8> {
                self.uuid().as_bytes().to_vec()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_uuid(uuid::Uuid::from_slice(bytes).ok()?))
            }
        }
    )+};
}
position_by_id!(EventId, DeliveryId, EndpointId, ReplayId);

/// The audit log: the time, and the number among changes of that time.
impl Position for AuditPosition {
    fn to_bytes(&self) -> Vec<u8> {
        [self.at.micros().to_be_bytes(), self.seq.to_be_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (micros, seq) = bytes.split_first_chunk()?;
        let at = Timestamp::from_micros(i64::from_be_bytes(*micros));
        Some(Self { at, seq: i64::from_be_bytes(seq.try_into().ok()?) })
    }
}

/// Dead letters: when it died, and its id.
impl Position for (Timestamp, DeliveryId) {
    fn to_bytes(&self) -> Vec<u8> {
        [self.0.micros().to_be_bytes().as_slice(), &self.1.to_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (micros, id) = bytes.split_first_chunk()?;
        Some((Timestamp::from_micros(i64::from_be_bytes(*micros)), DeliveryId::from_bytes(id)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> MasterKeys {
        MasterKeys::parse(&"07".repeat(32), &[]).unwrap()
    }

    fn paging(query: &str) -> Paging {
        Paging::read(&mut Parameters::of(query))
    }

    #[test]
    fn a_cursor_opens_for_its_own_list_caller_and_filter_alone() {
        let (keys, all) = (keys(), Access::everything());
        let bound = Access { tenant: Some("acme".to_owned()), ..all.clone() };
        let place = (Timestamp::from_micros(-5), EventId::new(Timestamp::now()).delivery(7));
        let cursor = paging("type=a").cursor(&place, "dead-letters", &all, &keys);
        let opened = |query: &str, list, access| {
            paging(&format!("{query}&cursor={cursor}")).position::<(Timestamp, DeliveryId)>(list, access, &keys)
        };
        assert_eq!(opened("type=a&limit=3", "dead-letters", &all).unwrap(), Some(place));
        assert!(opened("type=b", "dead-letters", &all).is_err());
        assert!(opened("type=a", "deliveries", &all).is_err());
        assert!(opened("type=a", "dead-letters", &bound).is_err());
    }

    #[test]
    fn no_changed_character_of_a_cursor_goes_unnoticed() {
        let (keys, all) = (keys(), Access::everything());
        let cursor = paging("").cursor(&EventId::new(Timestamp::now()), "events", &all, &keys);
        for index in 0..cursor.len() {
            let mut wrong = cursor.clone().into_bytes();
            wrong[index] = if wrong[index] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(paging(&format!("cursor={wrong}")).position::<EventId>("events", &all, &keys).is_err());
        }
        for wrong in ["", "AAAA", "%00", &cursor[..cursor.len() - 1]] {
            assert!(paging(&format!("cursor={wrong}")).position::<EventId>("events", &all, &keys).is_err(), "{wrong}");
        }
    }
}
