//! `ringback dead-letters`: what was given up, newest first, and why.

use ringback::time::Timestamp;

use super::filter::Filter;
use crate::{
    client::{
        Answer, Client, Connection,
        views::{Delivery, Page},
    },
    failure::{Failure, Result},
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

    /// Only those given up because of this: exhausted, expired, unroutable, gone
    #[arg(long)]
    reason: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,

    /// Go on from the end of an earlier page
    #[arg(long)]
    cursor: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

impl DeadLetters {
    /// Lists one page.
    pub(crate) async fn run(self) -> Result<()> {
        let mut query = self.filter.fields();
        let limit = self.limit.map(|limit| limit.to_string());
        let more = [("reason", &self.reason), ("limit", &limit), ("cursor", &self.cursor)];
        query.extend(more.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        let client = self.connection.open().await?;
        let (answer, page) = self.page(&client, query).await?;
        if self.json {
            answer.print();
        } else if !page.items.is_empty() {
            show(&page);
        }
        if page.items.is_empty() {
            return Err(Failure::NothingFound("no dead letter matches".to_owned()));
        }
        Ok(())
    }

    /// The first page that holds any: one may be empty because only so many rows were looked at.
    async fn page(&self, client: &Client, mut query: Vec<(&str, String)>) -> Result<(Answer, Page<Delivery>)> {
        loop {
            let answer = client.get("/v1/dead-letters", &query).await?.accepted(self.json)?;
            let page: Page<Delivery> = answer.read()?;
            match &page.next_cursor {
                Some(next) if page.items.is_empty() => {
                    query.retain(|(name, _)| *name != "cursor");
                    query.push(("cursor", next.clone()));
                }
                _ => return Ok((answer, page)),
            }
        }
    }
}

fn show(page: &Page<Delivery>) {
    let now = Timestamp::now();
    let mut table = Table::new(["DIED", "WHY", "TRIES", "LAST ANSWER", "TYPE", "KEY", "DELIVERY", "TO"]);
    for letter in &page.items {
        table.row([
            letter.died_at.map(|at| moment::relative(at, now)).unwrap_or_default(),
            letter.dead_reason.clone().unwrap_or_default(),
            letter.attempt_count.to_string(),
            last_answer(letter),
            letter.event_type.clone(),
            letter.key.clone().unwrap_or_default(),
            letter.id.clone(),
            letter.to().to_owned(),
        ]);
    }
    table.print();
    if let Some(cursor) = &page.next_cursor {
        eprintln!("there are more: --cursor {cursor}");
    }
}

/// The status if there was one, the error if there was another than "that status is no success".
fn last_answer(letter: &Delivery) -> String {
    match (letter.last_status_code, letter.last_error.as_deref()) {
        (Some(code), None | Some("status")) => code.to_string(),
        (Some(code), Some(error)) => format!("{code} {error}"),
        (None, Some(error)) => error.to_owned(),
        (None, None) => "none".to_owned(),
    }
}
