//! `ringback token`: creates, lists and revokes tokens for the API. It works on the store itself: no route creates tokens,
//! so a stolen one cannot create others.

mod create;
mod list;
mod revoke;
mod view;

use crate::failure::Result;

/// Make, list and revoke tokens for the API
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  ringback token create --scope operator --name night-shift
  token=$(ringback token create --scope emit --tenant acme --expires 90d)
  ringback token list
  ringback token revoke tok_0198…

Scopes: admin may do everything; operator reads, replays, pauses, resumes, tests and discards;
emit only hands in events; read only reads. With --tenant, other tenants do not exist for the token.
A token is printed once, when it is made; only its SHA-256 is kept. A revoked one is refused within
a second.")]
pub(crate) struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Revoke(revoke::Revoke),
}

impl Token {
    /// Does what is asked.
    pub(crate) async fn run(self) -> Result<()> {
        match self.command {
            Command::Create(command) => command.run().await,
            Command::List(command) => command.run().await,
            Command::Revoke(command) => command.run().await,
        }
    }
}
