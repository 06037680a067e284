//! `ringback verify`: checks whether a saved request has the right signature, and if not, finds which ingredient differs.

use std::{path::PathBuf, time::Duration};

use ringback::{
    endpoint::{Method, Scheme},
    time::Timestamp,
    verify::{Expectation, Report, Request},
};

use super::{
    header::{self, Header},
    input, scheme, value,
};
use crate::{
    failure::{Failure, Result},
    print::{self, Paint, plain},
};

/// What a receiver expects of requests. Flatten it into a command that verifies.
#[derive(Debug, clap::Args)]
pub(super) struct Expected {
    /// The secret as the endpoint has it; given several times, the first counts and the others are tried. With
    /// standard-ed25519 it may be the public key (whpk_…)
    #[arg(long)]
    pub(super) secret: Vec<String>,

    /// How far the signed timestamp may be from now, such as 5m; 0s lets any pass
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = value::duration)]
    tolerance: Duration,
}

impl Expected {
    /// The expectation of one scheme.
    pub(super) fn of(&self, scheme: Scheme, url: &str, id: Option<&str>) -> Result<Expectation> {
        let expectation = Expectation {
            scheme,
            secrets: self.secret.clone(),
            tolerance: Some(self.tolerance).filter(|tolerance| !tolerance.is_zero()),
            url: url.to_owned(),
            id: id.map(str::to_owned),
        };
        expectation.check().map_err(|why| Failure::usage(format!("--scheme: {why}")))?;
        match self.secret.first() {
            None => Err(Failure::usage("--secret is missing: the signature is checked with it")),
            Some(first) if first.is_empty() => Err(Failure::usage("--secret must not be empty")),
            Some(_) => Ok(expectation),
        }
    }
}

/// Check the signature of a request, and say which ingredient differs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback verify --scheme levrage --secret whsec_theirs --body body.json \\
      --header 'X-Levrage-Signature: 4fd2…'
  ringback verify --scheme svix --secret whsec_MfKQ… --headers headers.txt --body body.json
  ringback deliveries dlv_0198… --json | jq '.attempts[-1].request.headers' |
      ringback verify --scheme standard --secret whsec_… --headers - --body body.json --tolerance 0s

Keep the body byte for byte: what a framework parsed and wrote again is another body. What is told
apart: header, layout, key_format, secret, message, body, id, timestamp, digest, encoding.
Ends with 0 if the request verifies, with 1 if not.")]
pub(crate) struct Verify {
    /// How it should be signed: a scheme's name, or a custom scheme as the API's JSON
    #[arg(long, value_name = "NAME|JSON", value_parser = scheme::scheme)]
    scheme: Scheme,

    #[command(flatten)]
    expected: Expected,

    /// A header that came, 'name: value'; may be repeated
    #[arg(long, value_name = "HEADER")]
    header: Vec<Header>,

    /// A file with the headers: lines 'name: value', or a JSON object; - reads standard input
    #[arg(long, value_name = "FILE|-", required_unless_present = "header")]
    headers: Option<PathBuf>,

    /// The body's file; - reads standard input
    #[arg(long, value_name = "FILE|-")]
    body: PathBuf,

    /// Where the request was sent, for schemes that sign it
    #[arg(long = "sent-to", value_name = "URL", value_parser = value::url)]
    sent_to: Option<String>,

    /// The request's method, for schemes that sign it
    #[arg(long, default_value = "POST", value_parser = value::parsed::<Method>())]
    method: Method,

    /// The event's id if you know it, in case another one was signed
    #[arg(long)]
    id: Option<String>,

    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Checks one request.
    pub(crate) fn run(self) -> Result<()> {
        let expectation =
            self.expected.of(self.scheme.clone(), self.sent_to.as_deref().unwrap_or_default(), self.id.as_deref())?;
        let report = expectation.judge(&self.request()?, Timestamp::now());
        if self.json {
            let shown = serde_json::to_string(&report.shown()).map_err(Failure::failed)?;
            print::line(shown);
        } else {
            show(&report, &self.scheme);
        }
        if report.verifies() { Ok(()) } else { Err(Failure::failed("the request does not verify")) }
    }

    fn request(&self) -> Result<Request> {
        let mut headers = self.header.clone();
        if let Some(file) = &self.headers {
            if file.as_os_str() == "-" && self.body.as_os_str() == "-" {
                return Err(Failure::usage("--headers and --body cannot both be standard input"));
            }
            headers.extend(header::read_all(&input::name(file), &input::read_text(file)?)?);
        }
        let headers = headers.into_iter().map(|header| (header.name, header.value)).collect();
        Ok(Request { method: self.method, headers, body: input::read(&self.body)? })
    }
}

fn show(report: &Report, scheme: &Scheme) {
    let paint = Paint::stdout();
    if report.verifies() {
        print::line(paint.good(&format!("it verifies by scheme {}", scheme.name())));
    } else if report.fits.is_some() {
        print::line(paint.bad("it does not verify; it would, were it not for this:"));
    } else {
        print::line(paint.bad("it does not verify:"));
    }
    report.findings.iter().for_each(|finding| print::line(plain(&format!("  {finding}"))));
}
