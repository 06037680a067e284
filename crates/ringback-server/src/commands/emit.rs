//! `ringback emit TYPE FILE`: one event, its payload byte for byte from a file or standard input.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    filter::{Ahead, Moment},
    input, value,
};
use crate::{
    client::{
        Connection,
        views::{Emitted, Warning},
    },
    failure::{Failure, Result},
    print,
};

/// Emit one event and print its id
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback emit CALL_ENDED call.json --tenant acme --key call-42 --idempotency-key call-42
  echo '{\"duration\":53}' | ringback emit phone_call.ended -
  ringback emit reminder.due call.json --deliver-after 2h --expires-at 6h --metadata campaign=spring
  ringback emit call.ended call.json --destination https://www.example.com/webhook_url
  ringback emit call.ended call.json --destination '{\"url\":\"https://example.com/h\",\"preset\":\"synthflow\",\"secret\":\"…\"}'

The payload is one JSON value; it is signed and sent byte for byte as it stands in the file.
An event that was emitted before under the same idempotency key prints the first one's id.")]
pub(crate) struct Emit {
    /// What happened, such as CALL_ENDED or phone_call.ended
    #[arg(value_name = "TYPE", value_parser = value::event_type)]
    event_type: String,

    /// The payload's file; - reads standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,

    /// Whose event it is [default: default]
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// The platform's own id for the thing, to find it by
    #[arg(long, value_parser = value::key)]
    key: Option<String>,

    /// Deliveries of one ordering key go out in order to endpoints that ask for it
    #[arg(long, value_name = "KEY", value_parser = value::key)]
    ordering_key: Option<String>,

    /// A second event of the same tenant, type and idempotency key is folded into the first
    #[arg(long, value_name = "KEY", value_parser = value::key)]
    idempotency_key: Option<String>,

    /// When it happened: 2026-01-31T12:00:00Z, or 5m for five minutes ago
    #[arg(long, value_name = "WHEN")]
    occurred_at: Option<Moment>,

    /// Only to the tenant's endpoints with these keys
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', value_parser = value::key)]
    endpoint_keys: Option<Vec<String>>,

    /// Only to this destination: a URL, or the API's destination object as JSON
    #[arg(long, value_name = "URL|JSON")]
    destination: Option<String>,

    /// The span that it comes from, by W3C Trace Context; its attempts are spans of the same trace
    #[arg(long, value_name = "00-…")]
    traceparent: Option<String>,

    /// What vendors add to the trace
    #[arg(long, requires = "traceparent")]
    tracestate: Option<String>,

    /// No attempt before this: 2026-01-31T12:00:00Z, or 30m for in half an hour; at most 30 days ahead
    #[arg(long, value_name = "WHEN")]
    deliver_after: Option<Ahead>,

    /// Give it up, as expired, if no attempt has begun by then
    #[arg(long, value_name = "WHEN")]
    expires_at: Option<Ahead>,

    /// What events are searched by, such as campaign=spring; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = value::entry)]
    metadata: Vec<(String, String)>,

    /// Print the API's answer instead of the id
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// The body of `POST /v1/events`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
struct Body<'a> {
    r#type: &'a str,
    payload: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordering_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_keys: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Trace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Trace<'a> {
    traceparent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<&'a str>,
}

impl Emit {
    /// Emits and prints the id, warnings on standard error.
    pub(crate) async fn run(self) -> Result<()> {
        let body = self.body()?;
        let client = self.connection.open().await?;
        let answer = client.post("/v1/events", Some(body)).await?.accepted(self.json)?;
        if self.json {
            answer.print();
            return Ok(());
        }
        let emitted: Emitted = answer.read()?;
        emitted.warnings.iter().for_each(Warning::tell);
        if emitted.duplicate {
            print::note("nothing was stored: the same event came before");
        }
        print::line(&emitted.id);
        Ok(())
    }

    fn body(&self) -> Result<Vec<u8>> {
        let payload = input::read_json(&self.file)?;
        let body = Body {
            r#type: &self.event_type,
            payload: &payload,
            tenant: self.tenant.as_deref(),
            key: self.key.as_deref(),
            ordering_key: self.ordering_key.as_deref(),
            idempotency_key: self.idempotency_key.as_deref(),
            occurred_at: self.occurred_at.map(|moment| moment.0.to_string()),
            endpoint_keys: self.endpoint_keys.as_deref(),
            destination: self.destination.as_deref().map(destination).transpose()?,
            trace: self
                .traceparent
                .as_deref()
                .map(|traceparent| Trace { traceparent, tracestate: self.tracestate.as_deref() }),
            deliver_after: self.deliver_after.map(|moment| moment.0.to_string()),
            expires_at: self.expires_at.map(|moment| moment.0.to_string()),
            metadata: value::entries(&self.metadata)?,
        };
        serde_json::to_vec(&body).map_err(Failure::failed)
    }
}

/// A URL as the destination object, or that object itself.
fn destination(text: &str) -> Result<Box<RawValue>> {
    let object = if text.trim_start().starts_with('{') {
        serde_json::from_str(text)
    } else {
        serde_json::value::to_raw_value(&serde_json::json!({ "url": text }))
    };
    object.map_err(|error| Failure::usage(format!("--destination: neither a URL nor a JSON object: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_url_or_an_object() {
        assert_eq!(destination("www.example.com/h").unwrap().get(), r#"{"url":"www.example.com/h"}"#);
        assert_eq!(destination(r#"{"url":"x"}"#).unwrap().get(), r#"{"url":"x"}"#);
        assert!(destination("{url}").is_err());
    }
}
