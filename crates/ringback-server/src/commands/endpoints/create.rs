//! `ringback endpoints create`.

use super::{
    super::words,
    fields::{Fields, put},
    show,
};
use crate::{
    client::Connection,
    failure::{Failure, Result},
};

/// Register an endpoint
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints create https://example.com/hook --event-types CALL_ENDED \\
      --preset levrage --secret whsec_theirs
  ringback endpoints create https://example.com/in --event-types 'call.*,agent.*' --key crm
  ringback endpoints create https://example.com/h --event-types '*' \\
      --max-attempts 5 --delays 10s,1m,10m --timeout 5s --header 'x-team: one'
  ringback endpoints create http://127.0.0.1:8099/ --event-types '*' --json | jq -r .secret

What is left out comes from the preset. Without --secret, schemes that can generate one do; it
is shown this once.")]
pub(super) struct Create {
    /// Where requests go
    #[arg(value_name = "DESTINATION")]
    destination: String,

    /// Whose it is [default: default]
    #[arg(long, value_parser = words::tenant)]
    tenant: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    fields: Fields,
}

impl Create {
    /// Registers it.
    pub(super) async fn run(self) -> Result<()> {
        let mut body = self.fields.document()?;
        put(&mut body, "url", Some(&self.destination));
        put(&mut body, "tenant", self.tenant.as_ref());
        if !body.contains_key("event_types") {
            return Err(Failure::usage(
                "--event-types is missing: exact types, prefixes such as call.*, or '*' for all",
            ));
        }
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        let client = self.connection.open().await?;
        let answer = client.post("/v1/endpoints", Some(body)).await?.accepted(self.json)?;
        show(&answer, self.json)
    }
}
