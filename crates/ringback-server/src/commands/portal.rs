//! `ringback portal`: a link by which a tenant opens its own pages.

use http::Method;
use ringback::{id::LinkId, link::PortalScope};
use serde_json::json;

use super::{link, value};
use crate::{
    client::Connection,
    failure::{Failure, Result},
};

/// Make a link by which a tenant's people open their own pages
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback portal acme --scope manage --expires 30d
  ringback portal --revoke lnk_0198…

The link opens once and becomes a session of that browser, which ends with the link. With the scope view people look;
with manage they change endpoints, test them, and replay, too. The text of the link is printed this once. It begins with
public_url, or with the address of the server that is asked.")]
pub(crate) struct Portal {
    /// The tenant
    #[arg(value_name = "TENANT", required_unless_present = "revoke", value_parser = value::tenant)]
    tenant: Option<String>,

    /// What its people may do
    #[arg(long, default_value = "view", value_parser = value::word::<PortalScope>())]
    scope: String,

    /// How long the link can be opened and its session lasts, at most 90d
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = link::life)]
    expires: String,

    /// Revoke this link (lnk_…), and end its session
    #[arg(long, value_name = "LINK", conflicts_with = "tenant", value_parser = value::id::<LinkId>)]
    revoke: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

impl Portal {
    /// Makes or revokes a link.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        if let Some(id) = &self.revoke {
            return link::revoke(&client, "/v1/portal-links", id, self.json).await;
        }
        let body = json!({"tenant": self.tenant, "scope": self.scope, "expires_in": self.expires});
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        link::print(client.change(Method::POST, "/v1/portal-links", Some(body), None).await?, self.json)
    }
}
