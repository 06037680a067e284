//! `ringback check-config`: shows the resulting configuration, what is wrong with it, and whether the database fits it. It
//! changes nothing.

mod finding;
mod settings;
mod store;

use serde::Serialize;

pub(super) use self::finding::{Finding, Severity};
use crate::{
    configuration::{Configuration, Examined, Flags, Given},
    failure::{Failure, Result},
    print::{self, Paint, Table, plain},
};

/// Check the configuration and the database, and explain each finding
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback check-config
  ringback check-config --config /etc/ringback.toml && systemctl restart ringback
  ringback check-config --json | jq '.findings[] | select(.severity == \"wrong\")'

Shows every key that is not a default with the source that it comes from, secrets as ***. Then it
looks whether the values are right and fit together, whether the database answers and has the
schema of this program, and whether the master key is the one that its secrets were sealed with.
Nothing is made or changed. Ends with 0, or with 2 if something is wrong.")]
pub(crate) struct CheckConfig {
    /// Print keys and findings as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: Flags,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    keys: &'a [Given],
    findings: &'a [Finding],
}

impl CheckConfig {
    /// Looks at everything, and tells all of it.
    pub(crate) async fn run(self) -> Result<()> {
        let examined = Configuration::examine(&self.flags);
        let findings = findings(&examined).await;
        let wrong = findings.iter().filter(|finding| finding.severity == Severity::Wrong).count();
        if self.json {
            let report = Report { ok: wrong == 0, keys: &examined.given, findings: &findings };
            print::line(serde_json::to_string(&report).map_err(Failure::failed)?);
        } else {
            show(&examined.given, &findings);
        }
        match wrong {
            0 => Ok(()),
            1 => Err(Failure::usage("1 finding must be set right")),
            _ => Err(Failure::usage(format!("{wrong} findings must be set right"))),
        }
    }
}

/// Everything that can be found without sending anything.
pub(super) async fn findings(examined: &Examined) -> Vec<Finding> {
    let mut findings: Vec<Finding> = examined.findings.iter().map(Finding::from).collect();
    findings.extend(examined.warnings.iter().map(|warning| Finding::warning(None, warning.clone())));
    if let Some(configuration) = &examined.configuration {
        findings.extend(settings::check(configuration));
        findings.extend(store::check(configuration).await);
    }
    findings
}

fn show(given: &[Given], findings: &[Finding]) {
    let mut table = Table::new(["KEY", "VALUE", "FROM"]);
    for Given { key, value, source } in given {
        table.row([(*key).to_owned(), value.clone(), source.clone()]);
    }
    if given.is_empty() {
        print::line("every key has its default");
    } else {
        table.print();
    }
    print::line("");
    let paint = Paint::stdout();
    for finding in findings {
        let told = plain(&finding.to_string());
        print::line(match finding.severity {
            Severity::Fine => paint.good(&told),
            Severity::Warning => paint.pending(&told),
            Severity::Wrong => paint.bad(&told),
        });
    }
}
