//! `ringback doctor`: everything that could be wrong about an installation, each finding with what helps.
//!
//! Configuration, schema and keys are looked at as by `check-config`; the rest needs a database that answers.

mod clocks;
mod egress;
mod postgres;
mod queue;
mod sqlite;
mod store;

use serde::Serialize;

use super::check_config::{self, Finding, Severity};
use crate::{
    configuration::{Configuration, DatabaseUrl, StoreFlags},
    failure::{Failure, Result},
    print::{self, Paint, Tone, plain},
};

/// Look at everything that could be wrong, and say what helps
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback doctor
  ringback doctor --config /etc/ringback.toml
  ringback doctor --json | jq '.findings[] | select(.severity == \"bad\")'

It looks at the configuration, the files beside the database, the schema, the master key, the
database's settings and clock, certificates and name servers, and the queue. To see whether the
database takes writes it makes one that changes nothing. Run it where `ringback serve` runs, with
the same configuration. Ends with 0 if nothing is bad, with 2 if the configuration is wrong, and
otherwise with 1.")]
pub(crate) struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: StoreFlags,
}

/// All findings, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    findings: Vec<Shown<'a>>,
}

/// A finding as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    severity: &'static str,
    about: Option<&'a str>,
    /// The flag, variable or file that it came from, if it is about a value.
    source: Option<&'a str>,
    detail: &'a str,
    remedy: Option<&'a str>,
}

impl Doctor {
    /// Looks at everything, and tells all of it.
    pub(crate) async fn run(self) -> Result<()> {
        let examined = Configuration::examine(&self.flags.0);
        let mut findings = check_config::findings(&examined).await;
        let is_configured = examined.findings.is_empty();
        if let Some(configuration) = examined.configuration.filter(|_| is_configured) {
            findings.extend(database(&configuration).await);
            findings.push(egress::certificates());
            findings.extend(store::check(&configuration).await);
        }
        let bad = findings.iter().filter(|finding| finding.severity == Severity::Wrong).count();
        if self.json {
            let report = Report { ok: bad == 0, findings: findings.iter().map(shown).collect() };
            print::line(serde_json::to_string(&report).map_err(Failure::failed)?);
        } else {
            findings.iter().for_each(|finding| tell(finding, Paint::stdout()));
        }
        let told = if bad == 1 { "1 finding is bad".to_owned() } else { format!("{bad} findings are bad") };
        match (bad, is_configured) {
            (0, _) => Ok(()),
            (_, true) => Err(Failure::Failed(told)),
            (_, false) => Err(Failure::usage(told)),
        }
    }
}

/// How the database itself is set up.
async fn database(configuration: &Configuration) -> Vec<Finding> {
    match &configuration.database_url {
        DatabaseUrl::Sqlite(path) => sqlite::check(path).await,
        DatabaseUrl::Postgres(url) => postgres::check(url).await,
    }
}

fn shown(finding: &Finding) -> Shown<'_> {
    let (severity, _) = severity(finding.severity);
    let Finding { key, source, detail, remedy, .. } = finding;
    Shown { severity, about: key.as_deref(), source: source.as_deref(), detail, remedy: remedy.as_deref() }
}

/// The word for a finding, and its colour.
const fn severity(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::Fine => ("ok", Tone::Good),
        Severity::Warning => ("warn", Tone::Pending),
        Severity::Wrong => ("bad", Tone::Bad),
    }
}

fn tell(finding: &Finding, paint: Paint) {
    let (word, tone) = severity(finding.severity);
    let Finding { key, source, detail, remedy, .. } = finding;
    let source = source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    let about = key.as_ref().map(|key| format!("{key}{source}: ")).unwrap_or_default();
    let remedy = remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    let told = plain(&format!("{about}{detail}{remedy}"));
    print::line(format!("{}  {told}", paint.toned(tone, &format!("{word:<4}"))));
}
