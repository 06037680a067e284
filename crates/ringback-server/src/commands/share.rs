//! `ringback share`: a link for somebody outside, to the evidence of one call.

use http::Method;
use ringback::id::{DeliveryId, LinkId};
use serde::Serialize;

use super::{link, value};
use crate::{
    client::Connection,
    failure::{Failure, Result},
};

/// Make a link that shows, without a login, what became of one call
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback share call-42
  ringback share dlv_0198… --expires 1d
  ringback share --revoke lnk_0198…

The link shows attempts, times and answers; values of payloads and answers, addresses beyond the host, and credentials
are masked. Its text is printed this once. It begins with public_url, or with the address of the server that is asked.")]
pub(crate) struct Share {
    /// A delivery, or the key of events
    #[arg(value_name = "WHAT", required_unless_present = "revoke", value_parser = value::key)]
    what: Option<String>,

    /// The tenant of the key, where several have it
    #[arg(long, value_parser = value::tenant, conflicts_with = "revoke")]
    tenant: Option<String>,

    /// How long it can be opened, at most 90d
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = link::life)]
    expires: String,

    /// Revoke this link (lnk_…)
    #[arg(long, value_name = "LINK", conflicts_with = "what", value_parser = value::id::<LinkId>)]
    revoke: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// The body of `POST /v1/share`.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    expires_in: &'a str,
}

impl Share {
    /// Makes or revokes a link.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        if let Some(id) = &self.revoke {
            return link::revoke(&client, "/v1/share", id, self.json).await;
        }
        let what = self.what.as_deref().unwrap_or_default();
        let is_delivery = what.parse::<DeliveryId>().is_ok();
        let body = Body {
            delivery_id: is_delivery.then_some(what),
            key: (!is_delivery).then_some(what),
            tenant: self.tenant.as_deref(),
            expires_in: &self.expires,
        };
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        link::print(client.change(Method::POST, "/v1/share", Some(body), None).await?, self.json)
    }
}
