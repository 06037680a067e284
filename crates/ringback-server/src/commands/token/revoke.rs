//! `ringback token revoke`: a token is worthless from now on.

use ringback::{
    audit::{Actor, Who},
    id::TokenId,
    operate::tokens,
};

use super::view;
use crate::{
    configuration::{Configuration, StoreFlags},
    failure::{Failure, Result},
    print::{self, plain},
    stores::{self, Schema},
};

/// Make a token worthless, on every node within a second
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback token revoke tok_0198…

The id is the one that `ringback token list` shows. Ends with 3 when there is none with it.")]
pub(crate) struct Revoke {
    /// Which (tok_…)
    id: String,

    /// Print all fields
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: StoreFlags,
}

impl Revoke {
    /// Revokes it; one that was revoked before stays as it is.
    pub(crate) async fn run(self) -> Result<()> {
        let configuration = Configuration::load(&self.flags.0)?;
        let store = stores::open(&configuration, Schema::Check).await?;
        let none = || Failure::NothingFound(format!("no token has the id {}", plain(&self.id)));
        let id: TokenId = self.id.parse().map_err(|_| none())?;
        let by = Actor::from(Who::CommandLine);
        let token = tokens::revoke(&*store, id, &by).await.map_err(Failure::failed)?.ok_or_else(none)?;
        if self.json {
            return view::print(&view::Token::from(token));
        }
        print::line(format!("{id} is revoked"));
        Ok(())
    }
}
