//! `ringback endpoints test`.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    super::{input, outcome, value},
    One, path_of,
};
use crate::{
    client::views::{Endpoint, TestSent},
    failure::{Failure, Result},
    print,
};

/// Send a real, signed test event to one endpoint
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints test ep_0198…
  ringback endpoints test ep_0198… --type CALL_ENDED --payload sample.json
  ringback endpoints test --tenant acme --key crm --wait

It goes out whatever the endpoint selects and while it is disabled, signed like any other and
marked by a header only. --wait shows each attempt as it ends, until the test is delivered (0) or
given up (1); with --json it prints the delivery on a second line then. Without it `ringback
explain` shows what came of it.")]
pub(super) struct Test {
    /// Its type [default: webhook.test]
    #[arg(long = "type", value_name = "TYPE", value_parser = value::event_type)]
    event_type: Option<String>,

    /// Its payload's file; - reads standard input [default: {"test":true}]
    #[arg(long, value_name = "FILE|-")]
    payload: Option<PathBuf>,

    /// Wait for what becomes of it
    #[arg(long)]
    wait: bool,

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
    /// Sends it, and waits for what becomes of it or says where to look.
    pub(super) async fn run(self) -> Result<()> {
        let payload = self.payload.as_deref().map(input::read_json).transpose()?;
        let body = Body { event_type: self.event_type.as_deref(), payload };
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        send(self.one, "/test", Some(body), self.wait).await
    }
}

/// Has something sent to the endpoint by one of its routes, and waits for what becomes of it or says where to look.
pub(super) async fn send(one: One, route: &str, body: Option<Vec<u8>>, waits: bool) -> Result<()> {
    let (client, id) = one.find().await?;
    let answer = client.post(&path_of(&id, route), body).await?.accepted(one.json)?;
    let sent: TestSent = answer.read()?;
    if one.json {
        answer.print();
    } else {
        print::line(format!("{} goes out as {}", sent.event_id, sent.delivery_id));
    }
    if waits {
        let path = path_of(&id, "");
        let endpoint: Endpoint = client.get(&path, &[]).await?.accepted(one.json)?.read()?;
        let timeout = Duration::from_millis(endpoint.timeout_ms);
        return outcome::wait(&client, &sent.delivery_id, timeout, one.json).await;
    }
    if one.json {
        return Ok(());
    }
    print::note(format_args!("what came of it: ringback explain {}", sent.event_id));
    Ok(())
}
