//! `ringback dead-letters`: lists dead letters, newest first, with their reasons, one by one or in groups.

use ringback::{delivery::DeadReason, time::Timestamp};

use super::{filter::Filter, page::Paging, value};
use crate::{
    client::{
        Client, Connection,
        views::{Delivery, Group, Groups},
    },
    failure::{Failure, Result},
    print::{self, Table},
};

/// List deliveries that were given up
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback dead-letters --groups
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

    /// Count them by destination, type, cause and last answer
    #[arg(long, conflicts_with_all = ["key", "limit", "cursor"])]
    groups: bool,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    connection: Connection,
}

impl DeadLetters {
    /// Lists one page, or all groups.
    pub(crate) async fn run(self) -> Result<()> {
        let mut query = self.filter.fields();
        query.extend(self.reason.map(|reason| ("reason", reason)));
        let client = self.connection.open().await?;
        if self.groups {
            return count(&client, &query, self.paging.json).await;
        }
        let of_any = self.filter.tenant.is_none();
        let show = |letters: &[Delivery]| show(letters, of_any);
        self.paging.list(&client, "/v1/dead-letters", query, NONE, show).await
    }
}

const NONE: &str = "no dead letter matches";

async fn count(client: &Client, query: &[(&str, String)], json: bool) -> Result<()> {
    let answer = client.get("/v1/dead-letters/groups", query).await?.accepted(json)?;
    let groups: Groups = answer.read()?;
    if json {
        answer.print();
    } else {
        show_groups(&groups);
    }
    if groups.items.is_empty() { Err(Failure::NothingFound(NONE.to_owned())) } else { Ok(()) }
}

fn show_groups(groups: &Groups) {
    if groups.items.is_empty() {
        return;
    }
    let now = Timestamp::now();
    let mut table = Table::new(["COUNT", "WHY", "LAST ANSWER", "TYPE", "TENANT", "HOST", "FIRST", "LAST", "EXAMPLE"]);
    for group in &groups.items {
        let Group { tenant, host, event_type, reason, count, first_died_at, last_died_at, example, .. } = group;
        table.row([
            count.to_string(),
            reason.clone(),
            answer_of(group.last_status_code, group.last_error.as_deref()),
            event_type.clone(),
            tenant.clone(),
            host.clone().unwrap_or_default(),
            first_died_at.relative_to(now),
            last_died_at.relative_to(now),
            example.clone(),
        ]);
    }
    table.print();
    if groups.more > 0 {
        print::note(format_args!("and {} more groups: narrow them by --tenant, --endpoint-id or --since", groups.more));
    }
}

/// With the tenants unless only one was asked for.
fn show(letters: &[Delivery], of_any: bool) {
    let now = Timestamp::now();
    let table = Table::new(["DIED", "WHY", "TRIES", "LAST ANSWER", "TENANT", "TYPE", "KEY", "DELIVERY", "TO"]);
    let mut table = table.only_if("TENANT", of_any);
    for letter in letters {
        table.row([
            letter.died_at.map(|at| at.relative_to(now)).unwrap_or_default(),
            letter.dead_reason.clone().unwrap_or_default(),
            letter.attempt_count.to_string(),
            answer_of(letter.last_status_code, letter.last_error.as_deref()),
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
fn answer_of(status: Option<u16>, error: Option<&str>) -> String {
    match (status, error) {
        (Some(code), None | Some("status")) => code.to_string(),
        (Some(code), Some(error)) => format!("{code} {error}"),
        (None, Some(error)) => error.to_owned(),
        (None, None) => "none".to_owned(),
    }
}
