//! The ceiling: the same bytes, signed the same way, posted by the same client to the same receiver, and nothing else.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::Request;
use sha2::Sha256;
use tokio::{task::JoinSet, time::Instant};

use super::{Done, Pace, pace::Turns};
use crate::{
    failure::{Failure, Result},
    measure::clock,
    payload,
    process::connection::{Connection, authority},
    sizes::Sizes,
};

/// What warms up connections and caches before it counts.
const WARM_UP: f64 = 0.3;

/// Posts for so long over so many connections.
pub(super) async fn send(url: &str, connections: usize, sizes: Sizes, seconds: f64) -> Result<Done> {
    run(url, connections, sizes, WARM_UP).await?;
    run(url, connections, sizes, seconds).await
}

async fn run(url: &str, connections: usize, sizes: Sizes, seconds: f64) -> Result<Done> {
    let talk: Arc<str> = payload::talk(sizes.largest()).into();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(authority(url)).await?);
    }
    let path: Arc<str> = url.trim_start_matches("http://").trim_start_matches(authority(url)).into();
    let turns = Arc::new(Turns::begin(Pace::count(u64::MAX, seconds))?);
    let mut senders = JoinSet::new();
    for connection in open {
        senders.spawn(post(connection, Arc::clone(&turns), Arc::clone(&talk), Arc::clone(&path), sizes));
    }
    while senders.join_next().await.is_some() {}
    Arc::into_inner(turns).ok_or_else(|| Failure::new("a sender is still running"))?.end()
}

async fn post(mut connection: Connection, turns: Arc<Turns>, talk: Arc<str>, path: Arc<str>, sizes: Sizes) {
    while let Some(number) = turns.next().await {
        let since = Instant::now();
        let outcome = match signed(&connection, &path, payload::emitted_now(&talk, number, sizes.of(number))) {
            Ok(request) => connection.send(request).await,
            Err(failure) => Err(failure),
        };
        let outcome = outcome.and_then(|(status, _)| {
            status.is_success().then_some(()).ok_or_else(|| Failure::new(format!("the receiver answered {status}")))
        });
        let is_broken = outcome.is_err();
        turns.done(since.elapsed(), outcome);
        if is_broken {
            return;
        }
    }
}

/// As Standard Webhooks describes it, with the headers that the engine sends.
fn signed(connection: &Connection, path: &str, body: String) -> Result<Request<Full<Bytes>>> {
    let now = Duration::from_micros(u64::try_from(clock::unix_us()).unwrap_or(0)).as_secs();
    let id = format!("evt_{:032x}", clock::monotonic_ns());
    let mut mac = Hmac::<Sha256>::new_from_slice(b"the secret of all benchmarks")?;
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(now.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let request = connection
        .request("POST", path)
        .header("content-type", "application/json")
        .header("accept-encoding", "identity")
        .header("user-agent", "Ringback/bare")
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", format!("v1,{signature}"))
        .header("ringback-event-type", "call.ended")
        .header("ringback-event-time", now)
        .header("ringback-attempt", "1");
    Ok(request.body(Full::from(body))?)
}
