//! The variations of each ingredient that are worth trying: the mistakes that receivers are known to make.
//!
//! The first of each list is the ingredient as the scheme has it, without a finding.

use crate::{
    endpoint::{Custom, KeyFormat, Scheme},
    time::Timestamp,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::{
    Expectation, Finding, Ingredient, Request,
    arrived::{Arrived, moment},
    respell::spellings,
};

/// One value of an ingredient, and what it means if it is the right one.
#[derive(Debug, Clone)]
pub(super) struct Suspect<T> {
    pub(super) value: T,
    pub(super) finding: Option<Finding>,
}

/// A key: what its text means, and the text.
pub(super) type Key = (KeyFormat, String);

/// The prefix of a Standard Webhooks secret.
const WHSEC: &str = "whsec_";

fn expected<T>(value: T) -> Suspect<T> {
    Suspect { value, finding: None }
}

fn suspect<T>(value: T, ingredient: Ingredient, detail: impl Into<String>) -> Suspect<T> {
    Suspect { value, finding: Some(ingredient.differs(detail)) }
}

/// Keys: of the first secret in the scheme's format, of the first secret in other formats, and of the other secrets.
pub(super) fn keys(format: KeyFormat, secrets: &[String]) -> Vec<Suspect<Key>> {
    let mut keys = Vec::new();
    for (index, secret) in secrets.iter().enumerate() {
        let which = format!("the signature is of secret {} of the {} given", index + 1, secrets.len());
        keys.push(match index {
            0 => expected((format, secret.clone())),
            _ => suspect((format, secret.clone()), Ingredient::Secret, which.clone()),
        });
        for (key, told) in misread(format, secret) {
            let told = if index == 0 { told } else { format!("{which}, and {told}") };
            keys.push(suspect(key, Ingredient::KeyFormat, told));
        }
    }
    keys
}

/// The wrong keys that receivers make of the text of a secret.
fn misread(format: KeyFormat, secret: &str) -> Vec<(Key, String)> {
    let bare = secret.strip_prefix(WHSEC);
    let says = match format {
        KeyFormat::Utf8 => "the scheme takes the secret's text literally",
        KeyFormat::Base64 => "the scheme decodes the secret as base64",
        KeyFormat::Hex => "the scheme decodes the secret as hex",
        KeyFormat::Whsec => "the scheme decodes what stands in base64 behind whsec_",
    };
    let told = |key: &str| format!("{says}, but the signature was made with {key}");
    let mut keys = vec![
        ((KeyFormat::Utf8, secret.to_owned()), told("the literal text of the secret as its key")),
        ((KeyFormat::Whsec, secret.to_owned()), told("the decoded base64 behind whsec_ as its key")),
        ((KeyFormat::Base64, secret.to_owned()), told("the secret decoded as base64")),
        ((KeyFormat::Hex, secret.to_owned()), told("the secret decoded as hex")),
        ((format, secret.trim().to_owned()), told("the secret without the white space around it")),
        ((format, format!("{secret}\n")), told("the secret and a newline at its end")),
    ];
    if let Some(bare) = bare {
        keys.push(((KeyFormat::Utf8, bare.to_owned()), told("the literal text behind whsec_ as its key")));
    }
    let url_safe = URL_SAFE_NO_PAD.decode(bare.unwrap_or(secret).trim_end_matches('='));
    if let Ok(bytes) = url_safe.map(|bytes| STANDARD.encode(bytes)) {
        keys.push(((KeyFormat::Base64, bytes), told("the secret decoded as URL-safe base64")));
    }
    keys.retain(|(key, _)| *key != (format, secret.to_owned()));
    keys
}

/// The body, and its other spellings.
pub(super) fn bodies(body: &[u8]) -> Vec<Suspect<Vec<u8>>> {
    let others = spellings(body).into_iter().map(|(how, bytes)| {
        suspect(bytes, Ingredient::Body, format!("the signature was made over {how}; verify the bytes as they came"))
    });
    std::iter::once(expected(body.to_vec())).chain(others).collect()
}

/// The signed messages: of this scheme, then of all others.
pub(super) fn messages(custom: &Custom) -> Vec<Suspect<String>> {
    let mut messages = vec![expected(custom.message.clone())];
    let swapped = if custom.message.contains("{timestamp_ms}") {
        custom.message.replace("{timestamp_ms}", "{timestamp}")
    } else {
        custom.message.replace("{timestamp}", "{timestamp_ms}")
    };
    let others = Scheme::BUILT_IN.iter().filter_map(|scheme| Some((scheme.name(), scheme.spelled_out()?.message)));
    for (name, message) in others.chain([("with the other unit of time", swapped)]) {
        if messages.iter().all(|known| known.value != message) {
            let whose = if name.contains(' ') { name.to_owned() } else { format!("as scheme {name} does") };
            let told = format!("the scheme signs `{}`, but `{message}` was signed, {whose}", custom.message);
            messages.push(suspect(message, Ingredient::Message, told));
        }
    }
    messages
}

/// The id that came, and others in the request or given by the caller.
pub(super) fn ids(expectation: &Expectation, arrived: &Arrived, request: &Request) -> Vec<Suspect<String>> {
    let mut ids = vec![expected(arrived.id.clone().unwrap_or_default())];
    let of_headers = request.headers.iter().filter(|(name, _)| name.to_ascii_lowercase().ends_with("-id"));
    let of_headers = of_headers.map(|(name, value)| (format!("the value of {name}"), value.clone()));
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let of_body = ["id", "event_id", "message_id"]
        .into_iter()
        .filter_map(|name| Some((format!("the body's {name}"), body.get(name)?.as_str()?.to_owned())));
    let given = expectation.id.iter().map(|id| ("the one given".to_owned(), id.clone()));
    for (whose, id) in given.chain(of_headers).chain(of_body) {
        if ids.iter().all(|known| known.value != id) {
            ids.push(suspect(id.clone(), Ingredient::Id, format!("the id that was signed is {id:?}, {whose}")));
        }
    }
    ids
}

/// The time that came, and others in the headers.
pub(super) fn times(arrived: &Arrived, request: &Request) -> Vec<Suspect<Timestamp>> {
    let mut times = vec![expected(arrived.at.unwrap_or_default())];
    for (name, value) in &request.headers {
        let unit = match value.trim().len() {
            10 => 1_000,
            13 => 1,
            _ => continue,
        };
        let Some(at) = moment(value, unit) else { continue };
        if times.iter().all(|known| known.value != at) {
            let told = format!("the moment that was signed is the value of {name}");
            times.push(suspect(at, Ingredient::Timestamp, told));
        }
    }
    times
}
