//! `ringback token revoke`: revokes a token.

use ringback::{
    audit::{Actor, Who},
    id::TokenId,
    operate::tokens,
};

use super::view;
use crate::{
    configuration::{Configuration, StoreFlags},
    failure::{Failure, Result},
    print,
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
    #[arg(value_name = "TOKEN")]
    id: TokenId,

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
        let by = Actor::from(Who::CommandLine);
        let revoked = tokens::revoke(&*store, self.id, &by).await.map_err(Failure::failed)?;
        let token = revoked.ok_or_else(|| Failure::NothingFound(format!("no token has the id {}", self.id)))?;
        if self.json {
            return view::print(&view::Token::from(token));
        }
        print::line(format!("{} is revoked", self.id));
        Ok(())
    }
}
