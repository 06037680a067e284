//! `ringback endpoints update`.

use clap::builder::PossibleValuesParser;
use http::Method;
use ringback::{endpoint::SETTINGS, id::EndpointId};
use serde_json::Value;

use super::{
    super::value,
    fields::{Fields, put},
    path_of,
    seen::Seen,
    show,
};
use crate::{
    client::Connection,
    failure::{Failure, Result},
};

/// Change an endpoint; what is not named stays as it is
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints update ep_0198… --to https://new.example.com/hook
  ringback endpoints update ep_0198… --enabled true        (after a 410: what was held goes out)
  ringback endpoints update ep_0198… --event-types 'call.*' --rate 20
  ringback endpoints update ep_0198… --clear rate,description
  ringback endpoints update ep_0198… --rate 20 --if-match 7   (refused if somebody else changed it since)")]
pub(super) struct Update {
    /// Where requests go from now on
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,

    /// Back to what it is when left out
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',', value_parser = PossibleValuesParser::new(clearable()))]
    clear: Vec<String>,

    #[command(flatten)]
    seen: Seen,

    /// The endpoint (ep_…)
    #[arg(value_name = "ENDPOINT", value_parser = value::id::<EndpointId>)]
    endpoint: String,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    fields: Fields,
}

impl Update {
    /// Changes it.
    pub(super) async fn run(self) -> Result<()> {
        let mut patch = self.fields.document()?;
        put(&mut patch, "url", self.to.as_ref());
        for flag in &self.clear {
            if patch.insert(field(flag).to_owned(), Value::Null).is_some() {
                return Err(Failure::usage(format!("--clear: {flag} is set by another flag at the same time")));
            }
        }
        if patch.is_empty() {
            return Err(Failure::usage("nothing says what to change: see `ringback endpoints update --help`"));
        }
        let patch = serde_json::to_vec(&patch).map_err(Failure::failed)?;
        let client = self.connection.open().await?;
        let path = path_of(&self.endpoint, "");
        let changed = client.change(Method::PATCH, &path, Some(patch), self.seen.if_match).await?;
        show(&changed.accepted(self.json)?, self.json)
    }
}

/// The flags of fields that have a default to go back to.
fn clearable() -> impl Iterator<Item = &'static str> {
    ["key", "secret", "headers", "auth", "tls", "retry"].into_iter().chain(SETTINGS.iter().map(|setting| setting.flag))
}

/// The API's name of the field that a flag sets.
fn field(flag: &str) -> &str {
    SETTINGS.iter().find(|setting| setting.flag == flag).map_or(flag, |setting| setting.name)
}
