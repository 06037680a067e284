//! `ringback dead-letters`: lists dead letters, newest first, with their reasons.

use ringback::{delivery::DeadReason, time::Timestamp};

use super::{filter::Filter, page::Paging, value};
use crate::{
    client::{Connection, views::Delivery},
    failure::Result,
    print::{Table, moment},
};

/// List deliveries that were given up
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback dead-letters --since 2h
  ringback dead-letters --endpoint-id ep_0198… --reason exhausted --json
  ringback replay $(ringback dead-letters --key call-42 --json | jq -r '.items[].id')

--since and --until go by the moment of death. Ends with 3 when there is none.")]
pub(crate) struct DeadLetters {
    #[command(flatten)]
    filter: Filter,

    /// Only those given up because of this
    #[arg(long, value_parser = value::word::<DeadReason>())]
    reason: Option<String>,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    connection: Connection,
}

impl DeadLetters {
    /// Lists one page.
    pub(crate) async fn run(self) -> Result<()> {
        let mut query = self.filter.fields();
        query.extend(self.reason.map(|reason| ("reason", reason)));
        let client = self.connection.open().await?;
        let of_any = self.filter.tenant.is_none();
        let show = |letters: &[Delivery]| show(letters, of_any);
        self.paging.list(&client, "/v1/dead-letters", query, "no dead letter matches", show).await
    }
}

/// With the tenants unless only one was asked for.
fn show(letters: &[Delivery], of_any: bool) {
    let now = Timestamp::now();
    let table = Table::new(["DIED", "WHY", "TRIES", "LAST ANSWER", "TENANT", "TYPE", "KEY", "DELIVERY", "TO"]);
    let mut table = table.only_if("TENANT", of_any);
    for letter in letters {
        table.row([
            letter.died_at.map(|at| moment::relative(at, now)).unwrap_or_default(),
            letter.dead_reason.clone().unwrap_or_default(),
            letter.attempt_count.to_string(),
            last_answer(letter),
            letter.tenant.clone(),
            letter.event_type.clone(),
            letter.key.clone().unwrap_or_default(),
            letter.id.clone(),
            letter.to().to_owned(),
        ]);
    }
    table.print();
}

/// The last answer: its status, if there was one, and the error, unless that only says that the status is no success.
fn last_answer(letter: &Delivery) -> String {
    match (letter.last_status_code, letter.last_error.as_deref()) {
        (Some(code), None | Some("status")) => code.to_string(),
        (Some(code), Some(error)) => format!("{code} {error}"),
        (None, Some(error)) => error.to_owned(),
        (None, None) => "none".to_owned(),
    }
}
