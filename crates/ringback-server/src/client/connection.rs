//! The flags by which a command finds its API.

use super::{Client, Direct, Remote};
use crate::{
    configuration::{Configuration, Secret, StoreFlags},
    failure::{Failure, Result},
};

/// Which API to ask. Flatten it into a command.
#[derive(Debug, clap::Args)]
pub(crate) struct Connection {
    /// Ask the server at this URL instead of opening the store
    #[arg(long, value_name = "URL", env = "RINGBACK_URL", hide_env_values = true)]
    url: Option<String>,

    /// The token for --url
    #[arg(long, value_name = "TOKEN", env = "RINGBACK_TOKEN", hide_env_values = true)]
    token: Option<String>,

    #[command(flatten)]
    flags: StoreFlags,
}

impl Connection {
    /// Opens the store, or prepares to ask the server.
    pub(crate) async fn open(&self) -> Result<Client> {
        let Some(url) = &self.url else {
            let configuration = Configuration::load(&self.flags.0)?;
            return Ok(Client::Direct(Box::new(Direct::open(&configuration).await?)));
        };
        let Some(token) = self.token.clone() else {
            return Err(Failure::usage("--url needs a token: give --token, or set RINGBACK_TOKEN"));
        };
        if !is_token(&token) {
            return Err(Failure::usage(
                "--token (or RINGBACK_TOKEN) must be 1 to 256 printable characters without spaces",
            ));
        }
        Ok(Client::Remote(Remote::new(url, Secret::new(token))?))
    }
}

/// Whether a text can be anybody's token; it is never repeated.
fn is_token(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
