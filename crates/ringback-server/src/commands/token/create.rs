//! `ringback token create`: prints the token alone, so that it can go into a variable.

use std::time::Duration;

use ringback::{
    audit::{Actor, Who},
    operate::tokens::{self, NewToken},
    token::Scope,
};

use super::{super::value, view};
use crate::{
    client::spelled,
    configuration::{Configuration, StoreFlags},
    failure::{Failure, Result},
    print,
    stores::{self, Schema},
};

/// Make a token and print it, this once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback token create --scope read --name grafana
  ringback token create --scope emit --tenant acme --expires 90d")]
pub(crate) struct Create {
    /// What it is for
    #[arg(long, value_parser = value::parsed::<Scope>())]
    scope: Scope,

    /// For this tenant alone
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// How long it is worth anything: 12h, 90d; for good unless given
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    expires: Option<Duration>,

    /// What people call it
    #[arg(long)]
    name: Option<String>,

    /// Print the token with all that is known of it
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: StoreFlags,
}

impl Create {
    /// Makes it.
    pub(crate) async fn run(self) -> Result<()> {
        let configuration = Configuration::load(&self.flags.0)?;
        let new = NewToken { scope: self.scope, tenant: self.tenant, name: self.name, expires_in: self.expires };
        let store = stores::open(&configuration, Schema::Check).await?;
        let (token, text) =
            tokens::create(&*store, new, &Actor::from(Who::CommandLine)).await.map_err(|error| match error {
                tokens::Error::Invalid(invalid) => Failure::Usage(flags(&invalid)),
                tokens::Error::Store(error) => Failure::failed(error),
            })?;
        if self.json {
            return view::print(&view::Made { token: text.expose(), kept: token.into() });
        }
        print::line(text.expose());
        Ok(())
    }
}

fn flags(invalid: &ringback::invalid::Invalid) -> Vec<String> {
    invalid.findings.iter().map(|finding| format!("{} {}", spelled(&finding.pointer), finding.detail)).collect()
}
