//! `ringback tail`: deliveries as they change, and what their receivers answered.

mod seen;

use std::time::Duration;

use ringback::{id::EndpointId, time::Timestamp};
use serde_json::value::RawValue;

use self::seen::Seen;
use super::value;
use crate::{
    client::{
        Client, Connection, segment,
        views::{Delivery, Page},
    },
    failure::{Failure, Result},
    print::{self, Paint, moment, plain},
    screen,
    serve::signals::Signals,
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The newest deliveries that a look sees: a page that costs a server some milliseconds.
const DELIVERIES_SEEN: u32 = 200;

/// The newest dead letters that a look sees, so that older deliveries do not die unseen.
const DEAD_LETTERS_SEEN: u32 = 50;

/// Most deliveries of a look whose last attempt is asked for: each costs a request.
const ATTEMPTS_SHOWN_MAX: usize = 50;

/// Follow deliveries: each one that is new, tried, delivered or given up
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback tail
  ringback tail --tenant acme
  ringback tail --endpoint-id ep_0198… --lines 0
  ringback tail --json | jq -r 'select(.status == \"dead\").id'

Looks once a second at the newest 200 deliveries and the newest 50 dead letters, until Ctrl-C. Of
a delivery that was tried it shows the last attempt. --json prints what the API's lists say of
each, one a line.")]
pub(crate) struct Tail {
    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// To this endpoint (ep_…)
    #[arg(long, alias = "endpoint", value_name = "ID", value_parser = value::id::<EndpointId>)]
    endpoint_id: Option<String>,

    /// How many to begin with
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=200))]
    lines: u32,

    /// Show these and end, with 3 if there is none
    #[arg(long)]
    once: bool,

    /// Print one line of JSON for each
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// A delivery, and the text that the API has of it.
struct Item {
    delivery: Delivery,
    text: Box<RawValue>,
}

impl Tail {
    /// Follows until a signal.
    pub(crate) async fn run(self) -> Result<()> {
        let mut signals = Signals::listen()?;
        let client = self.connection.open().await?;
        let (mut seen, mut is_first) = (Seen::default(), true);
        loop {
            let look = async {
                let items = self.look(&client).await?;
                self.show_changed(&client, items, &mut seen, is_first).await
            };
            let shown = tokio::select! {
                shown = look => shown?,
                () = signals.next() => return Ok(()),
            };
            if self.once {
                return if shown > 0 { Ok(()) } else { Err(Failure::NothingFound("no delivery matches".to_owned())) };
            }
            is_first = false;
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = signals.next() => return Ok(()),
            }
        }
    }

    /// The newest deliveries and dead letters.
    async fn look(&self, client: &Client) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for (path, limit) in [("/v1/deliveries", DELIVERIES_SEEN), ("/v1/dead-letters", DEAD_LETTERS_SEEN)] {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
            query.extend(self.endpoint_id.clone().map(|endpoint| ("endpoint_id", endpoint)));
            let page: Page<Box<RawValue>> = client.get(path, &query).await?.accepted(self.json)?.read()?;
            for text in page.items {
                let delivery = serde_json::from_str(text.get()).map_err(Failure::failed)?;
                items.push(Item { delivery, text });
            }
        }
        Ok(items)
    }

    /// Shows what changed since the look before, the oldest first; how many that was.
    async fn show_changed(&self, client: &Client, items: Vec<Item>, seen: &mut Seen, is_first: bool) -> Result<usize> {
        let changed = seen.changed(items, |item| &item.delivery);
        let skipped = if is_first { changed.len().saturating_sub(self.lines as usize) } else { 0 };
        let paint = Paint::stdout();
        for (place, item) in changed.iter().skip(skipped).enumerate() {
            if self.json {
                print::line(item.text.get());
            } else if place < ATTEMPTS_SHOWN_MAX && item.delivery.attempt_count > 0 {
                let path = format!("/v1/deliveries/{}", segment(&item.delivery.id));
                match client.get(&path, &[]).await?.accepted(false) {
                    Ok(answer) => self.show(&answer.read()?, is_first, paint),
                    // It was dropped since.
                    Err(Failure::NothingFound(_)) => self.show(&item.delivery, is_first, paint),
                    Err(failure) => return Err(failure),
                }
            } else {
                self.show(&item.delivery, is_first, paint);
            }
        }
        if !is_first && changed.len() >= DELIVERIES_SEEN as usize {
            print::note("more changed than one look shows: `ringback deliveries` and `dead-letters` list all");
        }
        Ok(changed.len() - skipped)
    }

    /// One line: when, how it stands, what it is, and what was answered.
    fn show(&self, delivery: &Delivery, is_first: bool, paint: Paint) {
        let now = Timestamp::now();
        let tried = delivery.attempts.last();
        let at = delivery.finished_at.or(tried.map(|attempt| attempt.at)).unwrap_or(delivery.created_at);
        let at = if is_first || delivery.status != "pending" { at } else { now };
        let status = paint.toned(screen::tone(&delivery.status), &format!("{:<9}", plain(&delivery.status)));
        let tenant = if self.tenant.is_none() { format!("{}  ", delivery.tenant) } else { String::new() };
        let key = delivery.key.as_deref().map(|key| format!("  {key}")).unwrap_or_default();
        let what = format!("{tenant}{}{key}  {} to {}", delivery.event_type, delivery.id, delivery.to());
        let tried = tried.map(|attempt| format!("  #{} {}", attempt.number, screen::came(attempt))).unwrap_or_default();
        let next = match delivery.status.as_str() {
            "delivered" | "cancelled" => String::new(),
            _ => format!("  ({})", screen::next(delivery, now)),
        };
        print::line(format!("{}  {status}  {}", moment::clock(at), plain(&format!("{what}{tried}{next}"))));
    }
}
