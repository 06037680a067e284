//! `ringback gaps --expected calls.csv`: which of the platform's calls got no webhook.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use csv::{Position, ReaderBuilder, StringRecordsIntoIter, Trim};
use ringback::{event::is_key, id::EndpointId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{filter::Moment, input, value};
use crate::{
    client::Connection,
    failure::{Failure, Result},
    print::{self, Table},
};

/// Hold a list of calls against what was sent
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback gaps --expected calls.csv --since 24h
  psql -c \"COPY (SELECT id FROM call WHERE ended_at > now() - interval '1 day') TO STDOUT\" | ringback gaps --expected -
  ringback gaps --expected calls.csv --endpoint-id ep_0198… --json | jq -r '.items[] | select(.status == \"dead\") | .delivery_id'

The list may be as long as it likes: it is read, asked about and shown in parts. Ends with 3 if any
of them got no webhook, or got it late.")]
pub(crate) struct Gaps {
    /// A file with the keys: CSV of which the first column counts, a key a line at its simplest; - for standard input
    #[arg(long, value_name = "FILE")]
    expected: PathBuf,

    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Only deliveries to this endpoint (ep_…)
    #[arg(long, value_name = "ID", value_parser = value::id::<EndpointId>)]
    endpoint_id: Option<String>,

    /// Of events accepted from this moment on: 2026-01-31T02:30:00Z, or 2h for two hours ago
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,

    /// Of events accepted before this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,

    /// What was delivered later than this after it was accepted is late
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = value::duration)]
    late_after: Duration,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// So many keys are asked about in one request: what was found is shown as it comes, and no list is held as a whole.
const KEYS_AT_ONCE: usize = 10_000;

/// What stands before the first item where answers are printed as one.
const BEGINNING: &str = "{\"items\":[";

/// The API's answer.
#[derive(Debug, Deserialize)]
struct Answer {
    items: Vec<Box<RawValue>>,
    counts: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
struct Item {
    key: String,
    status: String,
    delivery_id: Option<String>,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    counts: BTreeMap<String, u64>,
    items: usize,
    gaps: usize,
}

impl Gaps {
    /// Prints what was not delivered in time, and how many were.
    pub(crate) async fn run(self) -> Result<()> {
        let mut keys = Keys::of(&self.expected)?;
        let client = self.connection.open().await?;
        let query = query(self.tenant, self.endpoint_id, self.since, self.until, self.late_after);
        let mut told = Told::default();
        loop {
            let step = keys.next(KEYS_AT_ONCE)?;
            // An empty list is asked about, too, so that the rest of the question is checked.
            let is_last = step.len() < KEYS_AT_ONCE;
            let mut lines = Vec::new();
            for key in &step {
                serde_json::to_writer(&mut lines, key).map_err(Failure::failed)?;
                lines.push(b'\n');
            }
            drop(step);
            let answer = client.post_lines("/v1/gaps", &query, lines).await?.accepted(self.json && told.items == 0)?;
            told.add(answer.read()?, self.json)?;
            if is_last {
                return told.end(self.json);
            }
        }
    }
}

fn query(
    tenant: Option<String>,
    endpoint: Option<String>,
    since: Option<Moment>,
    until: Option<Moment>,
    late_after: Duration,
) -> Vec<(&'static str, String)> {
    let moment = |moment: Option<Moment>| moment.map(|moment| moment.0.to_string());
    let query = [
        ("tenant", tenant),
        ("endpoint_id", endpoint),
        ("since", moment(since)),
        ("until", moment(until)),
        ("late_after", Some(late_after.as_secs().to_string())),
    ];
    query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

impl Told {
    /// Shows the gaps of one answer; as JSON all items, of all answers in one list.
    fn add(&mut self, Answer { items, counts }: Answer, json: bool) -> Result<()> {
        let (mut gaps, mut listed) = (Vec::new(), String::new());
        for raw in items {
            let item: Item = serde_json::from_str(raw.get()).map_err(Failure::failed)?;
            listed.push_str(if self.items == 0 { BEGINNING } else { "," });
            listed.push_str(raw.get());
            self.items += 1;
            if item.status != "delivered" {
                gaps.push(item);
            }
        }
        for (status, count) in counts {
            *self.counts.entry(status).or_default() += count;
        }
        if json {
            print::raw(listed.as_bytes());
        } else {
            show(&gaps);
        }
        self.gaps += gaps.len();
        Ok(())
    }

    fn end(self, json: bool) -> Result<()> {
        if json {
            let counts = serde_json::to_string(&self.counts).map_err(Failure::failed)?;
            let beginning = if self.items == 0 { BEGINNING } else { "" };
            print::raw(format!("{beginning}],\"counts\":{counts}}}\n").as_bytes());
        } else {
            print::note(format_args!("{} of {} were delivered in time", self.items - self.gaps, self.items));
        }
        if self.gaps == 0 { Ok(()) } else { Err(Failure::NothingFound(format!("{} gaps", self.gaps))) }
    }
}

fn show(gaps: &[Item]) {
    if gaps.is_empty() {
        return;
    }
    let mut table = Table::new(["KEY", "WHAT BECAME OF IT", "DELIVERY"]);
    for gap in gaps {
        table.row([gap.key.clone(), gap.status.clone(), gap.delivery_id.clone().unwrap_or_default()]);
    }
    table.print();
}

/// The first column of a file of CSV, read as it is asked for.
struct Keys {
    name: String,
    records: StringRecordsIntoIter<Box<dyn Read>>,
}

impl Keys {
    fn of(file: &Path) -> Result<Self> {
        let reader = input::open(file)?;
        let mut csv = ReaderBuilder::new();
        let csv = csv.has_headers(false).flexible(true).trim(Trim::All).from_reader(reader);
        Ok(Self { name: input::name(file), records: csv.into_records() })
    }

    /// The next keys, at most so many. A first line `key` is passed over.
    fn next(&mut self, most: usize) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        while keys.len() < most
            && let Some(record) = self.records.next()
        {
            let record = record.map_err(|error| self.wrong(error.position(), &format!("is no CSV: {error}")))?;
            let key = record.get(0).unwrap_or_default().trim_start_matches('\u{feff}');
            let line = record.position().map_or(0, Position::line);
            if (line == 1 && key == "key") || (key.is_empty() && record.len() == 1) {
                continue;
            }
            if !is_key(key) {
                return Err(self.wrong(record.position(), "has no key: 1 to 256 characters without control characters"));
            }
            keys.push(key.to_owned());
        }
        Ok(keys)
    }

    fn wrong(&self, position: Option<&Position>, what: &str) -> Failure {
        Failure::usage(format!("{}: line {} {what}", self.name, position.map_or(0, Position::line)))
    }
}
