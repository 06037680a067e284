//! `ringback figures`: what each step of a time brought.

use ringback::id::EndpointId;

use super::{span::Span, value};
use crate::{
    client::{Connection, segment, views},
    failure::Result,
    print::{Table, moment},
};

/// Show attempts, deaths and durations over time
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback figures
  ringback figures --tenant acme --since 7d --step 1d
  ringback figures ep_0198… --since 2h --step 1m --json | jq '.items[].attempts'

Of everything, of a tenant, or of one endpoint: the last 24 hours unless --since says otherwise.
Steps without anything are left out, but for --json. Durations are right to within 6 %.")]
pub(crate) struct Figures {
    /// Of this endpoint
    #[arg(value_name = "ENDPOINT", conflicts_with = "tenant", value_parser = value::id::<EndpointId>)]
    endpoint: Option<String>,

    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    #[command(flatten)]
    span: Span,

    /// How long a step is, in whole minutes: 5m, 1h, 1d [default: at most 100 steps]
    #[arg(long)]
    step: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

impl Figures {
    /// Prints a line for each step.
    pub(crate) async fn run(self) -> Result<()> {
        let path = match &self.endpoint {
            Some(endpoint) => format!("/v1/endpoints/{}/figures", segment(endpoint)),
            None => "/v1/figures".to_owned(),
        };
        let given = [("tenant", self.tenant), ("step", self.step)];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let query: Vec<_> = given.chain(self.span.fields()).collect();
        let answer = self.connection.open().await?.get(&path, &query).await?.accepted(self.json)?;
        if self.json {
            answer.print();
            return Ok(());
        }
        let figures: views::FigureList = answer.read()?;
        let head = ["FROM", "DELIVERED", "FAILED", "FIRST", "DEAD", "P50", "P95", "P99", "ERRORS"];
        let mut table = Table::new(head);
        for step in figures.items.iter().filter(|step| !is_empty(step)) {
            let views::Percentiles { p50, p95, p99 } = step.duration_ms;
            let milliseconds = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
            let errors = step.attempts.errors.iter().map(|(error, count)| format!("{error} {count}"));
            table.row([
                moment::clock(step.at),
                step.attempts.delivered.to_string(),
                step.attempts.failed.to_string(),
                step.first_attempts.to_string(),
                step.dead.to_string(),
                milliseconds(p50),
                milliseconds(p95),
                milliseconds(p99),
                errors.collect::<Vec<_>>().join(", "),
            ]);
        }
        table.print();
        Ok(())
    }
}

const fn is_empty(step: &views::Figures) -> bool {
    step.attempts.delivered + step.attempts.failed + step.dead == 0
}
