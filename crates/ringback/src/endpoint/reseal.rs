//! Seals stored credentials anew under the current master key.
//!
//! Only the sealed text is replaced: the document around an inline destination's credentials stays the same, byte for byte.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{kept, kept_destination};
use crate::{
    id::{EndpointId, EventId},
    seal::{MasterKeys, OpenError},
};

/// A stored destination, of which only this member is read here.
#[derive(Deserialize)]
struct Document<'a> {
    /// Base64 has no character that JSON escapes, so the text can be borrowed from the document.
    #[serde(borrow)]
    sealed: Option<&'a str>,
}

/// An endpoint's credentials sealed anew; `None` if the current key sealed them.
///
/// # Errors
/// When no configured key opens them.
pub(crate) fn credentials(sealed: &[u8], id: EndpointId, keys: &MasterKeys) -> Result<Option<Vec<u8>>, OpenError> {
    keys.reseal(sealed, &kept::context(id))
}

/// A stored destination with its credentials sealed anew; `None` if there are none, or the current key sealed them.
///
/// # Errors
/// When no configured key opens them.
pub(crate) fn destination(stored: &str, event: EventId, keys: &MasterKeys) -> Result<Option<String>, OpenError> {
    // A document that cannot be read has no credentials that could be used.
    let document: Option<Document<'_>> = serde_json::from_str(stored).ok();
    let Some(text) = document.and_then(|document| document.sealed) else { return Ok(None) };
    let sealed = STANDARD.decode(text).map_err(|_| OpenError::Malformed)?;
    let anew = keys.reseal(&sealed, &kept_destination::context(event))?;
    Ok(anew.map(|anew| stored.replacen(text, &STANDARD.encode(anew), 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn only_the_seal_of_a_stored_destination_changes() {
        let event = EventId::new(Timestamp::from_millis(1));
        let (old, new) = ("01".repeat(32), "02".repeat(32));
        let sealed = MasterKeys::parse(&old, &[]).unwrap().seal(b"{}", &kept_destination::context(event));
        let sealed = STANDARD.encode(sealed);
        let document = |sealed: &str| format!(r#"{{"url":"https://a.example/", "sealed" : "{sealed}","later":1}}"#);
        let keys = MasterKeys::parse(&new, &[old]).unwrap();
        let anew = destination(&document(&sealed), event, &keys).unwrap().unwrap();
        let text = serde_json::from_str::<Document<'_>>(&anew).unwrap().sealed.unwrap();
        assert_eq!(anew, document(text));
        assert_ne!(text, sealed);
        assert_eq!(destination(&anew, event, &keys), Ok(None));
        assert_eq!(destination(r#"{"url":"https://a.example/"}"#, event, &keys), Ok(None));
        let other = EventId::new(Timestamp::from_millis(2));
        assert_eq!(destination(&document(&sealed), other, &keys), Err(OpenError::Refused));
    }
}
