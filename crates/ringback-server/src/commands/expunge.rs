//! `ringback expunge`: erases the contents of one event at once, or of all events that a filter finds.

use std::time::Duration;

use http::Method;
use ringback::id::{EventId, ExpungeId};
use serde::Serialize;
use tokio::time::Instant;

use super::{filter::Moment, value};
use crate::{
    client::{
        Client, Connection, segment,
        views::{Expunge as ExpungeOfMany, Receipt},
    },
    failure::{Failure, Result},
    print::{self, bytes},
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(250);

/// Without any change for this long, it seems that no process works on it.
const STALLED: Duration = Duration::from_secs(15);

/// Erase what events held: payloads and what receivers answered
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback expunge evt_0198…
  ringback expunge --tenant acme --key +4915112345678 --with-keys --dry-run
  ringback expunge --tenant acme --type call.ended --until 2026-01-01T00:00:00Z
  ringback expunge --follow exp_0198…             (how far it is, until there is a receipt)

Pending deliveries and dead letters of these events become cancelled. It cannot be undone. The set of an expunge by
filter is fixed when it begins; it belongs to the store, not to this command, and goes on when the command is
interrupted. --since and --until go by when the events were accepted. --json prints the API's answer and does not
wait.")]
pub(crate) struct Expunge {
    /// The event of which everything is erased
    #[arg(value_name = "EVENT", conflicts_with_all = ["tenant", "key", "event_type", "since", "until", "dry_run"],
        value_parser = value::id::<EventId>)]
    event: Option<String>,

    /// The tenant whose events are erased
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Those with this key
    #[arg(long, requires = "tenant", value_parser = value::key)]
    key: Option<String>,

    /// Those of this type
    #[arg(long = "type", value_name = "TYPE", requires = "tenant", conflicts_with = "key",
        value_parser = value::event_type)]
    event_type: Option<String>,

    /// From this moment on: 2026-01-31T02:30:00Z, or 2h for two hours ago
    #[arg(long, value_name = "WHEN", requires = "tenant")]
    since: Option<Moment>,

    /// Before this moment
    #[arg(long, value_name = "WHEN", requires = "tenant")]
    until: Option<Moment>,

    /// Erase the events' keys, too: key, ordering key and idempotency key
    #[arg(long)]
    with_keys: bool,

    /// Only count what would be erased
    #[arg(long, requires = "tenant")]
    dry_run: bool,

    /// Show how far this expunge (exp_…) is, until there is a receipt
    #[arg(long, value_name = "EXPUNGE", conflicts_with_all = ["event", "tenant", "with_keys"],
        value_parser = value::id::<ExpungeId>)]
    follow: Option<String>,

    /// Print the API's answer, and do not wait
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// The body of `POST /v1/expunge`.
#[derive(Serialize)]
struct Body<'a> {
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    dry_run: bool,
}

impl Expunge {
    /// Erases what the arguments name.
    pub(crate) async fn run(self) -> Result<()> {
        match (&self.follow, &self.event, &self.tenant) {
            (Some(id), ..) => self.follow(&self.connection.open().await?, id).await,
            (None, Some(event), _) => self.one(event).await,
            (None, None, Some(tenant)) => self.many(tenant).await,
            (None, None, None) => {
                Err(Failure::usage("nothing says what to erase: give EVENT, or --tenant and a filter such as --key"))
            }
        }
    }

    async fn one(&self, event: &str) -> Result<()> {
        let path = format!("/v1/events/{}/payload?key={}", segment(event), self.with_keys);
        self.connection.open().await?.change(Method::DELETE, &path, None, None).await?.accepted(self.json)?;
        if !self.json {
            let keys = if self.with_keys { ", its keys" } else { "" };
            print::line(format!("{event}: its payload{keys} and what receivers answered are erased"));
        }
        Ok(())
    }

    async fn many(&self, tenant: &str) -> Result<()> {
        let client = self.connection.open().await?;
        let moment = |moment: Option<Moment>| moment.map(|moment| moment.0.to_string());
        let body = Body {
            tenant,
            key: self.key.as_deref(),
            r#type: self.event_type.as_deref(),
            since: moment(self.since),
            until: moment(self.until),
            dry_run: self.dry_run,
        };
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        let path = format!("/v1/expunge?key={}", self.with_keys);
        let answer = client.post(&path, Some(body)).await?.accepted(self.json)?;
        let expunge: ExpungeOfMany = answer.read()?;
        if self.json {
            answer.print();
        } else if expunge.matched > 0 {
            let what = match &expunge.id {
                Some(id) => format!("to be erased by {id}"),
                None => "would be erased".to_owned(),
            };
            print::line(format!("{} events, {}, {what}", expunge.matched, bytes(expunge.bytes)));
        }
        if expunge.matched == 0 {
            return Err(Failure::NothingFound("nothing matches, so nothing is erased".to_owned()));
        }
        match &expunge.id {
            Some(id) if !self.json => self.follow(&client, id).await,
            _ => Ok(()),
        }
    }

    /// Waits for the receipt, as long as the expunge makes progress.
    async fn follow(&self, client: &Client, id: &str) -> Result<()> {
        let path = format!("/v1/expunges/{}", segment(id));
        let (mut remaining, mut moved) = (u64::MAX, Instant::now());
        loop {
            let answer = client.get(&path, &[]).await?.accepted(self.json)?;
            if self.json {
                answer.print();
                return Ok(());
            }
            let expunge: ExpungeOfMany = answer.read()?;
            if let Some(receipt) = &expunge.receipt {
                tell(id, &expunge, receipt);
                return Ok(());
            }
            if expunge.remaining != remaining {
                (remaining, moved) = (expunge.remaining, Instant::now());
            }
            if moved.elapsed() > STALLED {
                return Err(Failure::failed(stalled(id, &expunge)));
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

/// The message about an expunge that makes no progress.
fn stalled(id: &str, expunge: &ExpungeOfMany) -> String {
    let left = match expunge.remaining {
        0 => "its events are erased, but it has no receipt yet".to_owned(),
        remaining => format!("{remaining} of {} events remain", expunge.matched),
    };
    format!(
        "{id} does not move: {left}. A node that runs `ringback serve` goes on with it, and its log says if it fails"
    )
}

fn tell(id: &str, expunge: &ExpungeOfMany, receipt: &Receipt) {
    let Receipt { events, payload_bytes, deliveries_cancelled, attempts, ids_sha256, at, actor } = receipt;
    print::line(format!(
        "{id} completed at {at}: of {} events {events} erased, {} had been before; {} of payloads, the answers of {attempts} \
         attempts, {deliveries_cancelled} deliveries cancelled",
        expunge.matched,
        expunge.skipped,
        bytes(*payload_bytes),
    ));
    print::line(format!("sha256 of the ids {ids_sha256}, asked for by {actor}"));
}
