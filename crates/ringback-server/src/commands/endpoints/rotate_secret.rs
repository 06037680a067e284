//! `ringback endpoints rotate-secret`.

use std::time::Duration;

use http::Method;
use ringback::time::{Timestamp, parse_duration};
use serde::Serialize;

use super::{super::value, One, path_of, seen::Seen};
use crate::{
    client::views::{Rotated, Warning},
    failure::{Failure, Result},
    print::{self, moment},
};

/// Give an endpoint a new signing secret
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints rotate-secret ep_0198…
  ringback endpoints rotate-secret ep_0198… --overlap 7d
  ringback endpoints rotate-secret ep_0198… --secret whsec_new --switch-at 2h

Schemes whose header carries several signatures (standard, svix, elevenlabs) sign with the old and
the new secret until the overlap ends, so that the receiver can change over in its own time. The
others take the new one at one moment. What an earlier rotation promised is kept: at most two older
secrets sign on, and a rotation that would end one of them early is refused without --force. After a
leak, --overlap 0s --force leaves the new secret alone.")]
pub(super) struct RotateSecret {
    /// The new secret; without it, schemes that can generate one do
    #[arg(long)]
    secret: Option<String>,

    /// How long old and new sign side by side [default: 1d]
    #[arg(long, value_name = "DURATION", value_parser = value::duration, conflicts_with = "switch_at")]
    overlap: Option<Duration>,

    /// When the new one takes over: 2026-01-31T12:00:00Z, or 2h for in two hours [default: now]
    #[arg(long, value_name = "WHEN", value_parser = later)]
    switch_at: Option<Timestamp>,

    /// End early what earlier rotations promised, where that is in the way
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    seen: Seen,

    #[command(flatten)]
    one: One,
}

/// The body of `POST /v1/endpoints/{id}/rotate-secret`.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    switch_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    force: bool,
}

impl RotateSecret {
    /// Rotates, and shows the new secret this once.
    pub(super) async fn run(self) -> Result<()> {
        let overlap_seconds = self.overlap.map(|overlap| overlap.as_secs());
        let body =
            Body { secret: self.secret.as_deref(), overlap_seconds, switch_at: self.switch_at, force: self.force };
        let body = serde_json::to_vec(&body).map_err(Failure::failed)?;
        let (client, id) = self.one.find().await?;
        let path = path_of(&id, "/rotate-secret");
        let rotated = client.change(Method::POST, &path, Some(body), self.seen.if_match).await?;
        let answer = rotated.accepted(self.one.json)?;
        if self.one.json {
            answer.print();
            return Ok(());
        }
        let rotated: Rotated = answer.read()?;
        rotated.warnings.iter().for_each(Warning::tell);
        let now = Timestamp::now();
        if let Some(until) = rotated.overlap_until {
            print::line(format!("the old secret signs beside the new one until {}", moment::with_age(until, now)));
        }
        if let Some(at) = rotated.switch_at {
            print::line(format!("the new secret signs instead of the old one from {}", moment::with_age(at, now)));
        }
        super::tell_secret(rotated.secret.as_deref());
        Ok(())
    }
}

/// RFC 3339, or a duration from now.
fn later(text: &str) -> Result<Timestamp, String> {
    let wrong = "neither an RFC 3339 time such as 2026-01-31T02:30:00Z nor a duration from now such as 2h";
    let from_now = parse_duration(text).map(|ahead| Timestamp::now() + ahead);
    from_now.or_else(|| text.parse().ok()).ok_or_else(|| wrong.to_owned())
}
