//! `ringback filters test`: what a filter says about an event, before an endpoint has it.

use std::path::PathBuf;

use ringback::{endpoint::Filter, id::EventId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{input, value};
use crate::{
    client::Connection,
    failure::{Failure, Result},
    print,
};

/// Try filters of endpoints
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Filters {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Test(Test),
}

/// Say what a filter says about an event; nothing is kept and nothing is sent
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback filters test 'payload.duration > 60' call.json --type call.ended
  ringback filters test 'type == \"call.ended\" && payload.tags.exists(t, t == \"vip\")' --event-id evt_0198…

Prints true or false, and why it is neither: then the event would go through. Ends with 1 if so, with 3 if there is no
such event.")]
struct Test {
    /// The condition, in CEL, on type, key, tenant and payload
    #[arg(value_name = "FILTER", value_parser = clap::value_parser!(Filter))]
    filter: Filter,

    /// A payload's file; - reads standard input
    #[arg(value_name = "FILE|-", required_unless_present = "event_id")]
    file: Option<PathBuf>,

    /// An event that was emitted (evt_…)
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["file", "type", "key", "tenant"], value_parser = value::id::<EventId>)]
    event_id: Option<String>,

    /// The type of the event [default: webhook.test]
    #[arg(long = "type", id = "type", value_name = "TYPE", value_parser = value::event_type)]
    event_type: Option<String>,

    /// Its key
    #[arg(long, value_parser = value::key)]
    key: Option<String>,

    /// Its tenant [default: default]
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// The body of `POST /v1/filters/test`.
#[derive(Serialize)]
struct Body<'a> {
    filter: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Said {
    result: Option<bool>,
    error: Option<String>,
}

impl Filters {
    /// Does what is asked.
    pub(crate) async fn run(self) -> Result<()> {
        match self.command {
            Command::Test(test) => test.run().await,
        }
    }
}

impl Test {
    async fn run(self) -> Result<()> {
        let body = Body {
            filter: self.filter.as_str(),
            event_id: self.event_id.as_deref(),
            r#type: self.event_type.as_deref(),
            key: self.key.as_deref(),
            tenant: self.tenant.as_deref(),
            payload: self.file.as_deref().map(input::read_json).transpose()?,
        };
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        let client = self.connection.open().await?;
        let answer = client.post("/v1/filters/test", Some(body)).await?.accepted(self.json)?;
        let said: Said = answer.read()?;
        if self.json {
            answer.print();
        }
        match said.result {
            Some(_) if self.json => Ok(()),
            Some(result) => {
                print::line(result.to_string());
                Ok(())
            }
            None => Err(Failure::failed(format!(
                "it says neither yes nor no, so the event goes through: {}",
                print::plain(&said.error.unwrap_or_default())
            ))),
        }
    }
}
