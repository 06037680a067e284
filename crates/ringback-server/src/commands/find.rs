//! `ringback find KEY`: "customer X says they never got the webhook for call Y". One screen says whether the platform
//! ever handed the event in, whom it was for and why not, what was sent when, what was answered, and what comes next.

use super::{whole::Whole, words};
use crate::{
    client::{
        Client, Connection,
        views::{Event, Page},
    },
    failure::{Failure, Result},
    print::{self, Paint, moment, plain},
    screen,
};

/// Find everything that happened to the events of a call
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback find call-42
  ringback find 1711646262471x768387119913843100 --tenant acme
  ringback find call-42 --json | jq -r '.items[].id'

Ends with 3 and says so when no event with this key is stored.")]
pub(crate) struct Find {
    /// The platform's own id for the thing: a session id, a call id
    #[arg(value_name = "KEY", value_parser = words::key)]
    key: String,

    /// Only of this tenant
    #[arg(long, value_parser = words::tenant)]
    tenant: Option<String>,

    /// Print the API's list of the events
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Most events shown in full: a key stands for one call, and a call has a handful of events.
const SHOWN_MAX: usize = 20;

impl Find {
    /// Shows every event with the key, newest first.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        let mut query = vec![("key", self.key.clone()), ("limit", SHOWN_MAX.to_string())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let answer = client.get("/v1/events", &query).await?.accepted(self.json)?;
        let page: Page<Event> = answer.read()?;
        if self.json {
            answer.print();
        }
        if page.items.is_empty() {
            return Err(Failure::NothingFound(self.absence(&client).await?));
        }
        if !self.json {
            show(&client, &page).await?;
        }
        Ok(())
    }

    /// The explicit negative: what was looked through, so that "not there" can be believed.
    async fn absence(&self, client: &Client) -> Result<String> {
        let mut query = vec![("limit", "1".to_owned())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let newest: Page<Event> = client.get("/v1/events", &query).await?.accepted(false)?.read()?;
        let of_whom = self.tenant.as_ref().map_or_else(|| "any tenant".to_owned(), |tenant| format!("tenant {tenant}"));
        let newest = newest.items.first().map_or_else(
            || "no event at all is stored there".to_owned(),
            |event| format!("the newest event there was accepted at {}", moment::clock(event.accepted_at)),
        );
        let key = &self.key;
        Ok(plain(&format!("no event with the key {key:?} was handed in for {of_whom}; {newest}")))
    }
}

async fn show(client: &Client, page: &Page<Event>) -> Result<()> {
    let paint = Paint::stdout();
    for (index, listed) in page.items.iter().enumerate() {
        let whole = Whole::load(client, &listed.id, false).await?;
        if index > 0 {
            print::line("");
        }
        screen::event(&whole.event, paint);
        whole.show_deliveries(paint);
    }
    if page.next_cursor.is_some() {
        print::line("there are more events with this key: see --json and the API's cursor");
    }
    Ok(())
}
