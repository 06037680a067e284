//! `ringback endpoints …`: commands for endpoints.

mod create;
mod delete;
mod fields;
mod get;
mod list;
mod one;
mod pause;
mod rotate_secret;
mod seen;
mod settings;
mod test;
mod update;
mod verify;

use self::one::One;
use crate::{
    client::{Answer, segment, views},
    failure::Result,
    print::{self, Paint, plain},
    screen,
};

/// Register, look up and change where events go
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  ringback endpoints create https://example.com/hook --event-types CALL_ENDED --preset levrage
  ringback endpoints list --tenant acme
  ringback endpoints test ep_0198…
  ringback endpoints pause --tenant acme --key crm

`ringback endpoints COMMAND --help` has more for each.")]
pub(crate) struct Endpoints {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::List),
    Get(get::Get),
    Create(Box<create::Create>),
    Update(Box<update::Update>),
    Delete(delete::Delete),
    Test(test::Test),
    Verify(verify::Verify),
    Pause(pause::Pause),
    Resume(pause::Resume),
    RotateSecret(rotate_secret::RotateSecret),
}

impl Endpoints {
    /// Runs the one that was named.
    pub(crate) async fn run(self) -> Result<()> {
        match self.command {
            Command::List(command) => command.run().await,
            Command::Get(command) => command.run().await,
            Command::Create(command) => command.run().await,
            Command::Update(command) => command.run().await,
            Command::Delete(command) => command.run().await,
            Command::Test(command) => command.run().await,
            Command::Verify(command) => command.run().await,
            Command::Pause(command) => command.run().await,
            Command::Resume(command) => command.run().await,
            Command::RotateSecret(command) => command.run().await,
        }
    }
}

/// The path of an endpoint, and what follows.
fn path_of(id: &str, rest: &str) -> String {
    format!("/v1/endpoints/{}{rest}", segment(id))
}

/// Shows the endpoint in an answer, and its new secret, if there is one.
fn show(answer: &Answer, json: bool) -> Result<()> {
    if json {
        answer.print();
        return Ok(());
    }
    let endpoint: views::Endpoint = answer.read()?;
    endpoint.warnings.iter().for_each(views::Warning::tell);
    screen::policy(&endpoint, None, Paint::stdout());
    if let Some(version) = answer.version {
        print::line(format!("  version   {version}"));
    }
    tell_secret(endpoint.secret.as_deref());
    Ok(())
}

/// Shows the secret of an answer, if it has one.
fn tell_secret(secret: Option<&str>) {
    if let Some(secret) = secret {
        print::line(format!("  secret    {}", plain(secret)));
        print::note("the secret is shown this once: give it to the receiver");
    }
}
