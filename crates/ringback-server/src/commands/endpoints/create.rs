//! `ringback endpoints create`.

use http::Method;
use serde_json::{Map, Value};

use super::{
    super::value,
    fields::{Fields, put},
    seen::Seen,
    show,
};
use crate::{
    client::{Connection, segment},
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
  ringback endpoints create https://example.com/in --event-types '*' --tenant acme --key crm --replace
  ringback endpoints create http://127.0.0.1:8099/ --event-types '*' --json | jq -r .secret

What is left out comes from the preset. Without --secret, schemes that can generate one do; it
is shown this once.")]
pub(super) struct Create {
    /// Where requests go
    #[arg(value_name = "DESTINATION")]
    destination: String,

    /// Whose it is [default: default]
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Put it in the place of the tenant's endpoint with this --key, if there is one: what is left out goes back to
    /// its default, the secret aside
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    seen: Seen,

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
        let (method, path) = if self.replace { place(&mut body)? } else { (Method::POST, "/v1/endpoints".to_owned()) };
        if !self.replace && self.seen.if_match.is_some() {
            return Err(Failure::usage("--if-match is for what exists: it needs --replace"));
        }
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        let client = self.connection.open().await?;
        let answer = client.change(method, &path, Some(body), self.seen.if_match).await?.accepted(self.json)?;
        show(&answer, self.json)
    }
}

/// The route that names tenant and key; both are removed from the fields.
fn place(body: &mut Map<String, Value>) -> Result<(Method, String)> {
    let mut take = |name| body.remove(name).and_then(|value| value.as_str().map(segment));
    let (tenant, key) = (take("tenant"), take("key"));
    let key = key.ok_or_else(|| Failure::usage("--replace needs --key: it is what the endpoint is found by"))?;
    let tenant = tenant.unwrap_or_else(|| "default".to_owned());
    Ok((Method::PUT, format!("/v1/endpoints/by-key/{tenant}/{key}")))
}
