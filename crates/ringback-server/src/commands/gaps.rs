//! `ringback gaps --expected calls.csv`: which of the platform's calls got no webhook.

use std::{path::PathBuf, time::Duration};

use ringback::id::EndpointId;
use serde::Deserialize;

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

Ends with 3 if any of them got no webhook, or got it late.")]
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

#[derive(Debug, Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    key: String,
    status: String,
    delivery_id: Option<String>,
}

impl Gaps {
    /// Prints what was not delivered in time, and how many were.
    pub(crate) async fn run(self) -> Result<()> {
        let list = input::read(&self.expected)?;
        let client = self.connection.open().await?;
        let moment = |moment: Option<Moment>| moment.map(|moment| moment.0.to_string());
        let query = [
            ("tenant", self.tenant),
            ("endpoint_id", self.endpoint_id),
            ("since", moment(self.since)),
            ("until", moment(self.until)),
            ("late_after", Some(self.late_after.as_secs().to_string())),
        ];
        let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let answer = client.post_csv("/v1/gaps", &query, list).await?.accepted(self.json)?;
        let Answer { items } = answer.read()?;
        let (good, gaps): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.status == "delivered");
        if self.json {
            answer.print();
        } else {
            show(&gaps);
            print::note(format_args!("{} of {} were delivered in time", good.len(), items.len()));
        }
        if gaps.is_empty() { Ok(()) } else { Err(Failure::NothingFound(format!("{} gaps", gaps.len()))) }
    }
}

fn show(gaps: &[&Item]) {
    if gaps.is_empty() {
        return;
    }
    let mut table = Table::new(["KEY", "WHAT BECAME OF IT", "DELIVERY"]);
    for gap in gaps {
        table.row([gap.key.clone(), gap.status.clone(), gap.delivery_id.clone().unwrap_or_default()]);
    }
    table.print();
}
