//! The fields of an endpoint as flags, and the API's document made from them.

use std::fmt;

use ringback::endpoint::{Auth, Preset, Scheme};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    super::{header::Header, scheme, value},
    settings::Settings,
};
use crate::failure::{Failure, Result};

/// What a caller says about an endpoint.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Fields")]
pub(super) struct Fields {
    /// The platform's own name for it, unique in its tenant
    #[arg(long, value_parser = value::key)]
    key: Option<String>,

    /// Whether it sends
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,

    /// Exact types, prefixes such as call.*, or '*'; '' for none
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',')]
    event_types: Option<Vec<String>>,

    /// What unset fields come from
    #[arg(long, value_parser = value::word::<Preset>())]
    preset: Option<String>,

    /// How requests are signed: a scheme's name, or a custom scheme as the API's JSON
    #[arg(long, value_name = "NAME|JSON", value_parser = scheme::scheme)]
    scheme: Option<Scheme>,

    /// The signing secret
    #[arg(long)]
    secret: Option<String>,

    /// A header to send, 'name: value'; may be repeated
    #[arg(long, value_name = "HEADER")]
    header: Vec<Header>,

    /// Authorization beside the signature, as the API's JSON: {"type":"bearer","token":"…"}; also basic, api_key, oauth2
    #[arg(long, value_name = "JSON", value_parser = auth)]
    auth: Option<Value>,

    /// A PEM file: the client certificate for receivers that ask for one, and its chain
    #[arg(long, value_name = "FILE", value_parser = pem)]
    client_certificate: Option<Pem>,

    /// A PEM file: the private key of that certificate
    #[arg(long, value_name = "FILE", value_parser = pem)]
    client_key: Option<Pem>,

    /// A PEM file: certificate authorities that are trusted beside those of everyone
    #[arg(long, value_name = "FILE", value_parser = pem)]
    ca: Option<Pem>,

    /// Sends in all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    max_attempts: Option<u32>,

    /// Pauses between sends, 50ms to 7d each; the last one repeats
    #[arg(long, value_name = "DURATION,…", value_delimiter = ',', value_parser = value::milliseconds)]
    delays: Option<Vec<u64>>,

    /// How much a pause varies, as a fraction
    #[arg(long, value_name = "0–1", value_parser = value::fraction)]
    jitter: Option<f64>,

    #[command(flatten)]
    settings: Settings,
}

/// Puts a field into the document, if it is given.
pub(super) fn put<T: Serialize>(document: &mut Map<String, Value>, name: &str, value: Option<&T>) {
    document.extend(value.map(|value| (name.to_owned(), json!(value))));
}

impl Fields {
    /// A document with the given fields only.
    pub(super) fn document(&self) -> Result<Map<String, Value>> {
        let mut document = Map::new();
        let all = &mut document;
        put(all, "key", self.key.as_ref());
        put(all, "enabled", self.enabled.as_ref());
        put(all, "event_types", self.selectors().as_ref());
        put(all, "preset", self.preset.as_ref());
        put(all, "scheme", self.scheme.as_ref());
        put(all, "secret", self.secret.as_ref());
        put(all, "headers", self.headers()?.as_ref());
        put(all, "auth", self.auth.as_ref());
        put(all, "tls", self.tls().as_ref());
        put(all, "retry", self.retry().as_ref());
        all.extend(self.settings.0.clone());
        Ok(document)
    }

    /// The empty text stands for no type at all.
    fn selectors(&self) -> Option<Vec<&str>> {
        let types = self.event_types.as_ref()?.iter().map(|selector| selector.trim());
        Some(types.filter(|selector| !selector.is_empty()).collect())
    }

    fn headers(&self) -> Result<Option<Map<String, Value>>> {
        let mut headers = Map::new();
        for Header { name, value } in &self.header {
            if headers.insert(name.clone(), json!(value)).is_some() {
                return Err(Failure::usage(format!("--header: {name} is given twice")));
            }
        }
        Ok((!headers.is_empty()).then_some(headers))
    }

    fn tls(&self) -> Option<Map<String, Value>> {
        let mut tls = Map::new();
        for (name, file) in
            [("client_certificate", &self.client_certificate), ("client_key", &self.client_key), ("ca", &self.ca)]
        {
            put(&mut tls, name, file.as_ref().map(|Pem(text)| text.as_str()).as_ref());
        }
        (!tls.is_empty()).then_some(tls)
    }

    fn retry(&self) -> Option<Map<String, Value>> {
        let mut retry = Map::new();
        put(&mut retry, "max_attempts", self.max_attempts.as_ref());
        put(&mut retry, "delays_ms", self.delays.as_ref());
        put(&mut retry, "jitter", self.jitter.as_ref());
        (!retry.is_empty()).then_some(retry)
    }
}

/// What a PEM file holds. Never printed: it may be a key.
#[derive(Clone)]
struct Pem(String);

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pem(***)")
    }
}

/// Whether the text is what the field needs, the server says: it knows the other half, too.
fn pem(path: &str) -> Result<Pem, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    if text.contains("-----BEGIN ") {
        Ok(Pem(text))
    } else {
        Err("the file is not PEM: it has no -----BEGIN".to_owned())
    }
}

/// Checks the value here, so that an error names the flag; it is sent as it was written.
fn auth(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    serde_json::from_value::<Auth>(value.clone()).map_err(|error| error.to_string())?;
    Ok(value)
}
