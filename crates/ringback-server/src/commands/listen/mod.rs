//! `ringback listen`: a receiver on this machine that checks what it gets and shows it.

mod door;
mod shown;

use std::sync::Arc;

use ringback::{endpoint::Scheme, verify::Expectation};
use tokio::net::TcpListener;

use self::door::{Door, Visit};
use super::{scheme, verify::Expected};
use crate::{
    failure::{Failure, Result},
    print::{self, Paint},
    serve::signals::Signals,
};

/// Receive webhooks on this machine, check their signatures and show them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback listen
  ringback listen --scheme levrage --secret whsec_theirs --port 9000
  ringback listen --scheme standard --secret whsec_… --fail-first 2     (to see retries)
  ringback listen --status 410                                  (to see an endpoint disabled)
  ringback listen --requests 1 --json | jq .headers

It listens on 127.0.0.1 alone, where `ringback serve --egress-allow 127.0.0.0/8 --egress-allow-http`
may send. A request that does not verify is answered 401, with what differs. Ctrl-C ends it; with
--requests it ends by itself, with 0 if every request verified and with 1 if not.")]
pub(crate) struct Listen {
    /// How requests should be signed: a scheme's name, or a custom scheme as the API's JSON
    #[arg(long, value_name = "NAME|JSON", default_value = "none", value_parser = scheme::scheme)]
    scheme: Scheme,

    #[command(flatten)]
    expected: Expected,

    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 8099)]
    port: u16,

    /// The status to answer with
    #[arg(long, value_name = "CODE", default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,

    /// Answer 503 to the first N requests
    #[arg(long, value_name = "N", default_value_t = 0)]
    fail_first: u64,

    /// End after so many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,

    /// Print each request as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Listen {
    /// Listens until told to end.
    pub(crate) async fn run(self) -> Result<()> {
        let mut signals = Signals::listen()?;
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.map_err(|error| {
            Failure::failed(format!("--port: 127.0.0.1:{} cannot be listened on: {error}", self.port))
        })?;
        let url = format!("http://{}", listener.local_addr().map_err(Failure::failed)?);
        let (door, mut visits) = Door::new(self.expectation(&url)?, self.status, self.fail_first);
        let router = Arc::new(door).router();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        print::note(format_args!("listening on {url}"));
        let (mut seen, mut refused) = (0, 0_u64);
        let paint = Paint::stdout();
        while self.requests.is_none_or(|most| seen < most) {
            let visit: Visit = tokio::select! {
                visit = visits.recv() => match visit { Some(visit) => visit, None => break },
                () = signals.next() => break,
            };
            seen += 1;
            refused += u64::from(!visit.verifies());
            if self.json {
                shown::as_json(&visit)?
            } else {
                shown::to_people(&visit, paint)
            }
            visit.answered().await;
        }
        serving.abort();
        match (self.requests, refused) {
            (Some(_), 1..) => Err(Failure::failed(format!("{refused} of {seen} requests did not verify"))),
            _ => Ok(()),
        }
    }

    /// `None` if nothing is to be checked.
    fn expectation(&self, url: &str) -> Result<Option<Expectation>> {
        if self.scheme == Scheme::None {
            return match self.expected.secret.first() {
                None => Ok(None),
                Some(_) => {
                    Err(Failure::usage("--secret is given, but scheme none signs nothing: name one with --scheme"))
                }
            };
        }
        self.expected.of(self.scheme.clone(), url, None).map(Some)
    }
}
