//! The recipients that an event names, read from the database. Callers' own statements may have written them, or an older
//! version with other bounds.

use serde::Deserialize;

use crate::event::{ENDPOINT_KEYS_MAX, KEY_RULE, TENANT_RULE, TYPE_RULE, is_key, is_tenant, is_type};

/// The recipients that an event names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addressing {
    /// Only to the tenant's endpoints with these keys.
    pub endpoint_keys: Option<Vec<String>>,
    /// Only to this destination: the JSON text of [`crate::endpoint::KeptDestination`].
    pub destination: Option<String>,
    /// Why they cannot be read, for operators; the other fields are `None` then.
    pub unreadable: Option<String>,
}

/// Which names of an event break their rules, for operators; the text repeats no name. Such an event cannot be routed. Every
/// way to emit checks names, so this finds only events that a caller's own statement or an older version wrote. `keys` are
/// the event's key, ordering key and idempotency key.
#[must_use]
pub fn misnamed(tenant: &str, event_type: &str, keys: [Option<&str>; 3]) -> Option<String> {
    let [key, ordering_key, idempotency_key] = keys.map(|key| key.is_none_or(is_key));
    let names = [
        ("tenant", is_tenant(tenant), TENANT_RULE),
        ("type", is_type(event_type), TYPE_RULE),
        ("key", key, KEY_RULE),
        ("ordering_key", ordering_key, KEY_RULE),
        ("idempotency_key", idempotency_key, KEY_RULE),
    ];
    names.into_iter().find(|(_, fits, _)| !fits).map(|(name, _, rule)| format!("{name} {rule}"))
}

/// What a store returns in place of a value that is too large to be read: `{"entries": 100000}` or `{"bytes": 1600000}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    entries: Option<u64>,
    bytes: Option<u64>,
}

/// Reads the two columns. A store returns `{"entries": …}` or `{"bytes": …}` in place of a value that is too large.
#[must_use]
pub fn addressing(endpoint_keys: Option<&str>, destination: Option<String>) -> Addressing {
    let keys = match endpoint_keys.map(keys).transpose() {
        Ok(keys) => keys,
        Err(why) => return unreadable(format!("endpoint_keys {why}")),
    };
    if let Some(why) = destination.as_deref().and_then(left_out) {
        return unreadable(format!("destination {why}"));
    }
    Addressing { endpoint_keys: keys, destination, unreadable: None }
}

fn unreadable(why: String) -> Addressing {
    Addressing { unreadable: Some(why), ..Addressing::default() }
}

fn keys(text: &str) -> Result<Vec<String>, String> {
    if let Some(why) = left_out(text) {
        return Err(why);
    }
    // serde's own message is dropped: it could repeat a part of the text.
    let keys: Vec<String> = serde_json::from_str(text).map_err(|_| "is no array of strings".to_owned())?;
    if keys.len() > ENDPOINT_KEYS_MAX { Err(too_many(keys.len())) } else { Ok(keys) }
}

fn left_out(text: &str) -> Option<String> {
    // Checked before parsing, since a `LeftOut` is a short object, and most texts are long.
    let short = text.starts_with('{') && text.len() < 64;
    match short.then(|| serde_json::from_str(text).ok())?? {
        LeftOut { entries: Some(entries), bytes: None } => Some(too_many(entries)),
        LeftOut { entries: None, bytes: Some(bytes) } => Some(format!("has {bytes} bytes, too many to be read")),
        LeftOut { .. } => None,
    }
}

fn too_many(entries: impl std::fmt::Display) -> String {
    format!("has {entries} entries; at most {ENDPOINT_KEYS_MAX} are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(endpoint_keys: Option<&str>, destination: Option<&str>) -> Option<String> {
        let read = addressing(endpoint_keys, destination.map(str::to_owned));
        assert!(read.unreadable.is_none() || (read.endpoint_keys.is_none() && read.destination.is_none()));
        read.unreadable
    }

    #[test]
    fn names_that_no_door_takes_are_told_without_repeating_them() {
        let longest = "k".repeat(256);
        assert_eq!(misnamed("acme:eu", "call.ended", [Some(&longest), Some("naïve 😀"), None]), None);
        for (told, found) in [
            ("tenant", misnamed("", "t", [None; 3])),
            ("type", misnamed("t", "a\u{fffd}b", [None; 3])),
            ("key", misnamed("t", "t", [Some(""), None, None])),
            ("ordering_key", misnamed("t", "t", [None, Some(&format!("{longest}k")), None])),
            ("idempotency_key", misnamed("t", "t", [None, None, Some("a\0b")])),
        ] {
            let found = found.unwrap();
            assert!(found.starts_with(&format!("{told} must be ")), "{found}");
        }
    }

    #[test]
    fn what_can_be_read_is_kept_as_it_is() {
        assert_eq!(addressing(None, None), Addressing::default());
        let read = addressing(Some(r#"["a","é"]"#), None);
        assert_eq!(read.endpoint_keys, Some(vec!["a".to_owned(), "é".to_owned()]));
        for destination in [r#"{"url":"https://example.com/"}"#, "not json", "{}"] {
            let read = addressing(None, Some(destination.to_owned()));
            assert_eq!(read.destination.as_deref(), Some(destination), "routing says what is wrong with it");
        }
        let most = serde_json::to_string(&vec!["k"; 1_000]).unwrap();
        assert_eq!(why(Some(&most), None), None);
    }

    #[test]
    fn what_cannot_is_told_without_repeating_it() {
        let many = serde_json::to_string(&vec!["secret"; 1_001]).unwrap();
        let too_many = "endpoint_keys has 1001 entries; at most 1000 are allowed";
        assert_eq!(why(Some(&many), None).as_deref(), Some(too_many));
        assert_eq!(why(Some(r#"{"entries":1001}"#), None).as_deref(), Some(too_many));
        let too_large = Some("endpoint_keys has 9000000 bytes, too many to be read");
        assert_eq!(why(Some(r#"{"bytes": 9000000}"#), None).as_deref(), too_large);
        let too_large = Some("destination has 9000000 bytes, too many to be read");
        assert_eq!(why(None, Some(r#"{"bytes":9000000}"#)).as_deref(), too_large);
        for wrong in [r#"{"a":1}"#, "7", r#"["secret",1]"#, "", r#"["secret"#, "null"] {
            assert_eq!(why(Some(wrong), None).as_deref(), Some("endpoint_keys is no array of strings"), "{wrong}");
        }
    }
}
