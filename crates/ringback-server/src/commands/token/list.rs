//! `ringback token list`: lists all tokens that were created, newest first.

use ringback::{operate::tokens, time::Timestamp, token::Token};

use super::view;
use crate::{
    configuration::{Configuration, StoreFlags},
    failure::{Failure, Result},
    print::Table,
    stores::{self, Schema},
};

/// List tokens, newest first; the tokens themselves are kept nowhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback token list
  ringback token list --json | jq -r '.items[] | select(.last_used_at == null) | .id'

Those that were revoked or have expired stay in the list for retention.events. Ends with 3 when
there is none.")]
pub(crate) struct List {
    /// Print all fields
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: StoreFlags,
}

impl List {
    /// Lists them.
    pub(crate) async fn run(self) -> Result<()> {
        let configuration = Configuration::load(&self.flags.0)?;
        let store = stores::open(&configuration, Schema::Check).await?;
        let tokens = tokens::list(&*store).await.map_err(Failure::failed)?;
        let none = tokens.is_empty();
        if self.json {
            view::print(&view::All { items: tokens.into_iter().map(Into::into).collect() })?;
        } else if !none {
            show(&tokens);
        }
        if none {
            return Err(Failure::NothingFound(
                "no token was made; the configured admin_token is not in this list".to_owned(),
            ));
        }
        Ok(())
    }
}

fn show(tokens: &[Token]) {
    let now = Timestamp::now();
    let mut table = Table::new(["TOKEN", "NAME", "SCOPE", "TENANT", "MADE", "LAST USED", "STATE"]);
    for token in tokens {
        table.row([
            token.id.to_string(),
            token.name.clone().unwrap_or_default(),
            token.scope.to_string(),
            token.tenant.clone().unwrap_or_else(|| "any".to_owned()),
            token.created_at.relative_to(now),
            token.last_used_at.map_or_else(|| "never".to_owned(), |at| at.relative_to(now)),
            state(token, now),
        ]);
    }
    table.print();
}

fn state(token: &Token, now: Timestamp) -> String {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", at.relative_to(now)),
        (None, Some(at)) if at <= now => format!("expired {}", at.relative_to(now)),
        (None, Some(at)) => format!("expires {}", at.relative_to(now)),
        (None, None) => "valid".to_owned(),
    }
}
