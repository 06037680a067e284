//! `ringback endpoints test`.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    super::{input, value},
    One,
};
use crate::{
    client::views::TestSent,
    failure::{Failure, Result},
    print,
};

/// Send a real, signed test event to one endpoint
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints test ep_0198…
  ringback endpoints test ep_0198… --type CALL_ENDED --payload sample.json

It goes out whatever the endpoint selects and while it is disabled, signed like any other and
marked by a header only. `ringback explain` shows what came of it.")]
pub(super) struct Test {
    /// Its type [default: webhook.test]
    #[arg(long = "type", value_name = "TYPE", value_parser = value::event_type)]
    event_type: Option<String>,

    /// Its payload's file; - reads standard input [default: {"test":true}]
    #[arg(long, value_name = "FILE|-")]
    payload: Option<PathBuf>,

    #[command(flatten)]
    one: One,
}

/// The body of `POST /v1/endpoints/{id}/test`.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
}

impl Test {
    /// Sends it and says where to look.
    pub(super) async fn run(self) -> Result<()> {
        let payload = self.payload.as_deref().map(input::read_json).transpose()?;
        let body = Body { event_type: self.event_type.as_deref(), payload };
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        let client = self.one.client().await?;
        let answer = client.post(&self.one.path("/test"), Some(body)).await?.accepted(self.one.json)?;
        if self.one.json {
            answer.print();
            return Ok(());
        }
        let sent: TestSent = answer.read()?;
        print::line(format!("{} goes out as {}", sent.event_id, sent.delivery_id));
        print::note(format_args!("what came of it: ringback explain {}", sent.event_id));
        Ok(())
    }
}
