//! `ringback replay`: sends again deliveries by id, or a fixed set by filter, under the same ids as before.

use ringback::{
    delivery::DeadReason,
    id::{DeliveryId, ReplayId},
    store::Replayed,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{each::each, filter::Filter, value};
use crate::{
    client::{
        Client, Connection, segment,
        views::{Delivery, Replay as ReplayOfMany},
    },
    failure::{Failure, Result},
    print::{self, bytes, plain},
};

mod progress;

/// Arguments of a new replay, which conflict with those that name an existing one.
const OF_A_NEW_ONE: [&str; 15] = [
    "deliveries",
    "to",
    "tenant",
    "endpoint_id",
    "event_type",
    "key",
    "since",
    "until",
    "status",
    "reason",
    "host",
    "last_status_code",
    "rate",
    "note",
    "dry_run",
];

/// Send deliveries again: some by id, or all that a filter finds
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback replay dlv_0198… dlv_0198…
  ringback replay dlv_0198… --to https://example.com/hook          (of an inline destination)
  ringback replay --endpoint-id ep_0198… --status dead --since 2026-01-31T02:30:00Z --dry-run
  ringback replay --endpoint-id ep_0198… --status dead --since 2h --rate 20
  ringback replay --host example.com --reason exhausted --last-status-code 503 --note 'they are back'
  ringback replay --endpoint-id ep_0198… --status missing --since 1d --dry-run
  ringback replay --follow rpl_0198…              (how far it is, until it has ended)
  ringback replay --cancel rpl_0198…              (what it has released stays released)

A replay keeps the event's id, so receivers can tell that they know it, and refills the budget of tries.
The set of a replay by filter is fixed when it begins: it never chases its own failures. It belongs to the store,
not to this command, and goes on when the command is interrupted. What no longer fits the filter when its turn comes
is skipped. --since and --until go by when the deliveries were made. `ringback replays` lists them.")]
pub(crate) struct Replay {
    /// Deliveries or dead letters to send again
    #[arg(value_name = "DELIVERY", conflicts_with_all = ["tenant", "endpoint_id", "event_type", "key", "since", "until",
        "status", "reason", "host", "last_status_code", "rate", "note", "dry_run"], value_parser = value::id::<DeliveryId>)]
    deliveries: Vec<String>,

    /// Send inline deliveries to this URL, now and from then on
    #[arg(long, value_name = "URL", requires = "deliveries", value_parser = value::url)]
    to: Option<String>,

    #[command(flatten)]
    filter: Filter,

    /// Which ones: dead (unless given), delivered, or missing: events that --endpoint-id now selects and has no
    /// delivery of
    #[arg(long, value_parser = value::word::<Replayed>())]
    status: Option<String>,

    /// Only dead letters given up because of this, as in dead-letters
    #[arg(long, value_parser = value::word::<DeadReason>())]
    reason: Option<String>,

    /// Only those to this host
    #[arg(long)]
    host: Option<String>,

    /// Only dead letters whose last answer had this status code
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..=999))]
    last_status_code: Option<u16>,

    /// At most so many a second
    #[arg(long, value_name = "PER_SECOND", value_parser = value::rate)]
    rate: Option<f64>,

    /// Why, for the record
    #[arg(long)]
    note: Option<String>,

    /// Only count what would be sent
    #[arg(long)]
    dry_run: bool,

    /// Show how far this replay (rpl_…) is, until it has ended
    #[arg(long, value_name = "REPLAY", conflicts_with_all = OF_A_NEW_ONE, value_parser = value::id::<ReplayId>)]
    follow: Option<String>,

    /// Cancel this replay (rpl_…)
    #[arg(long, value_name = "REPLAY", conflicts_with_all = OF_A_NEW_ONE, conflicts_with = "follow",
        value_parser = value::id::<ReplayId>)]
    cancel: Option<String>,

    /// Print the API's answers, one a line, and do not wait
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// The body of `POST /v1/replays`.
#[derive(Serialize)]
struct Body<'a> {
    filter: serde_json::Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_second: Option<f64>,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl Replay {
    /// Replays what the arguments name.
    pub(crate) async fn run(self) -> Result<()> {
        if let Some(id) = &self.follow {
            return self.follow(id).await;
        }
        if let Some(id) = &self.cancel {
            return self.cancel(id).await;
        }
        if self.deliveries.is_empty() && self.filter.is_empty() && self.names_no_deliveries() {
            return Err(Failure::usage(
                "nothing says what to replay: give ids, or a filter such as --endpoint-id ep_… --status dead",
            ));
        }
        if self.status.as_deref() == Some("missing") && self.filter.endpoint_id.is_none() {
            return Err(Failure::usage("--status missing needs --endpoint-id: the endpoint that misses events"));
        }
        let client = self.connection.open().await?;
        if self.deliveries.is_empty() {
            return self.many(&client).await;
        }
        each(&self.deliveries, "not every delivery could be replayed", async |id| self.one(&client, id).await).await
    }

    const fn names_no_deliveries(&self) -> bool {
        self.status.is_none() && self.reason.is_none() && self.host.is_none() && self.last_status_code.is_none()
    }

    async fn follow(&self, id: &str) -> Result<()> {
        let client = self.connection.open().await?;
        if !self.json {
            return progress::follow(&client, id).await;
        }
        client.get(&format!("/v1/replays/{}", segment(id)), &[]).await?.accepted(true)?.print();
        Ok(())
    }

    async fn cancel(&self, id: &str) -> Result<()> {
        let path = format!("/v1/replays/{}/cancel", segment(id));
        let answer = self.connection.open().await?.post(&path, None).await?.accepted(self.json)?;
        if self.json {
            answer.print();
        } else {
            progress::conclude(id, &answer.read()?);
        }
        Ok(())
    }

    async fn one(&self, client: &Client, id: &str) -> Result<()> {
        let path = format!("/v1/deliveries/{}/replay", segment(id));
        let again = self.to.as_deref().map(|url| json!({ "url": url }).to_string().into_bytes());
        let answer = client.post(&path, again).await?.accepted(self.json)?;
        if self.json {
            answer.print();
            return Ok(());
        }
        let delivery: Delivery = answer.read()?;
        let next = delivery.attempt_count + 1;
        print::line(plain(&format!("{} goes out again as attempt {next} to {}", delivery.id, delivery.to())));
        Ok(())
    }

    async fn many(&self, client: &Client) -> Result<()> {
        let answer = client.post("/v1/replays", Some(self.body()?)).await?.accepted(self.json)?;
        let replay: ReplayOfMany = answer.read()?;
        if self.json {
            answer.print();
        } else if replay.matched > 0 {
            let what = match &replay.id {
                Some(id) => format!("to be sent again by {id}"),
                None => "would be sent again".to_owned(),
            };
            print::line(format!("{} deliveries, {}, {what}", replay.matched, bytes(replay.bytes)));
        }
        if replay.matched == 0 {
            return Err(Failure::NothingFound("nothing matches, so nothing is replayed".to_owned()));
        }
        match replay.id {
            Some(id) if !self.json && !self.dry_run => progress::follow(client, &id).await,
            _ => Ok(()),
        }
    }

    fn body(&self) -> Result<Vec<u8>> {
        let status = self.status.clone().unwrap_or_else(|| "dead".to_owned());
        let own = [("status", Some(status)), ("reason", self.reason.clone()), ("host", self.host.clone())];
        let texts = own.into_iter().filter_map(|(name, text)| Some((name, text?))).chain(self.filter.fields());
        let mut filter: serde_json::Map<_, _> =
            texts.map(|(name, text)| (name.to_owned(), Value::String(text))).collect();
        filter.extend(self.last_status_code.map(|code| ("last_status_code".to_owned(), code.into())));
        let body = Body { filter, rate_per_second: self.rate, dry_run: self.dry_run, note: self.note.as_deref() };
        serde_json::to_vec(&body).map_err(Failure::failed)
    }
}
