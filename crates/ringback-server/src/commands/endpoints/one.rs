//! Which endpoint a command is about: by its id, or by its key in its tenant.

use ringback::id::EndpointId;

use super::super::value;
use crate::{
    client::{
        Answer, Client, Connection,
        views::{Endpoint, Page},
    },
    failure::{Failure, Result},
    print::plain,
};

/// Endpoints on a page of the search for a key: the most that the API gives, since a tenant has 10,000 at most.
const PAGE: &str = "1000";

/// One endpoint, and how the answer is wanted. Flatten it into a command about one.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["endpoint", "key"]))]
pub(super) struct One {
    /// The endpoint (ep_…), or name it by --key
    #[arg(value_name = "ENDPOINT", conflicts_with = "tenant", value_parser = value::id::<EndpointId>)]
    endpoint: Option<String>,

    /// The tenant of --key [default: default]
    #[arg(long, requires = "key", value_parser = value::tenant)]
    tenant: Option<String>,

    /// The tenant's endpoint with this key
    #[arg(long, value_parser = value::key)]
    key: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    connection: Connection,
}

impl One {
    /// The API, and the endpoint's id.
    ///
    /// # Errors
    /// [`Failure::NothingFound`] if the tenant has no endpoint with the key.
    pub(super) async fn find(&self) -> Result<(Client, String)> {
        let client = self.connection.open().await?;
        let id = match (&self.endpoint, &self.key) {
            (Some(id), _) => id.clone(),
            (None, key) => self.by_key(&client, key.as_deref().unwrap_or_default()).await?,
        };
        Ok((client, id))
    }

    /// Shows the endpoint in an answer.
    pub(super) fn show(&self, answer: &Answer) -> Result<()> {
        super::show(answer, self.json)
    }

    async fn by_key(&self, client: &Client, key: &str) -> Result<String> {
        let tenant = self.tenant.clone().unwrap_or_else(|| "default".to_owned());
        let mut cursor = None;
        loop {
            let mut query = vec![("tenant", tenant.clone()), ("limit", PAGE.to_owned())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page: Page<Endpoint> = client.get("/v1/endpoints", &query).await?.accepted(self.json)?.read()?;
            if let Some(found) = page.items.into_iter().find(|endpoint| endpoint.key.as_deref() == Some(key)) {
                return Ok(found.id);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Err(Failure::NothingFound(plain(&format!(
                    "tenant {tenant} has no endpoint with the key {key}"
                ))));
            }
        }
    }
}
