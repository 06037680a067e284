//! The policy of an endpoint: the values in effect, where they come from, and whether the endpoint has changed since.

use ringback::{
    endpoint::{SETTINGS, Scheme},
    time::{Timestamp, print_duration},
};
use serde_json::Value;

use crate::{
    client::views::{Endpoint, Health, Rotation, Tls},
    print::{self, Paint, moment, plain},
};

/// Shows the policy in effect; with the time of an event it says whether the endpoint has changed since then.
pub(crate) fn policy(endpoint: &Endpoint, since: Option<Timestamp>, paint: Paint) {
    let key = endpoint.key.as_deref().map(|key| format!(" ({key})")).unwrap_or_default();
    let name = endpoint.name.as_deref().map(|name| format!(", {name}")).unwrap_or_default();
    let title = format!("Endpoint {}{key}{name}, of tenant {}", endpoint.id, endpoint.tenant);
    print::line(paint.strong(&plain(&title)));
    let line = |what: &str, told: &str| print::line(plain(&format!("  {what:<9} {told}")));
    line("to", &endpoint.url);
    line("state", &state(endpoint, since));
    if let Some(health) = &endpoint.health {
        line("health", &told(health, Timestamp::now()));
    }
    line("selects", &endpoint.selects());
    line("signs", &signs(endpoint));
    if let Some(rotation) = &endpoint.rotation {
        line("rotation", &under_way(rotation));
    }
    let verified = endpoint.others.get("verified_at").and_then(Value::as_str).and_then(|at| at.parse().ok());
    if let Some(at) = verified {
        line("verified", &moment::with_age(at, Timestamp::now()));
    }
    line("tries", &tries(endpoint));
    line("pace", &pace(endpoint));
    for setting in SETTINGS {
        let value = endpoint.others.get(setting.name).filter(|value| !value.is_null());
        if let (Some(label), Some(value)) = (setting.label, value) {
            line(label, &words(value));
        }
    }
    if !endpoint.headers.is_empty() || endpoint.auth.is_some() {
        line("sends", &sends(endpoint));
    }
    if let Some(tls) = endpoint.tls.as_ref().and_then(tls) {
        line("tls", tls);
    }
}

fn state(endpoint: &Endpoint, since: Option<Timestamp>) -> String {
    let changed = endpoint.updated_at;
    let when = moment::with_age(changed, Timestamp::now());
    let told = match since {
        Some(since) if changed > since => format!("changed since the event, {when}"),
        Some(_) => "unchanged since the event".to_owned(),
        None if changed == endpoint.created_at => format!("made {when}"),
        None => format!("changed {when}"),
    };
    format!("{}, {told}", endpoint.state())
}

/// `failing since 4 min ago (503), held (failing) until …; 12 wait, the oldest due 3 min ago; last success 1 h ago`
fn told(health: &Health, now: Timestamp) -> String {
    let failure = health.last_failure.as_ref();
    let cause = failure.filter(|_| health.state == "failing").map(|failure| format!(" ({})", failure.told()));
    let until = health.held_until.map(|until| format!(" until {}", moment::with_age(until, now)));
    let hold = health.hold_reason.as_ref().map(|reason| format!(", held ({reason}){}", until.unwrap_or_default()));
    let waiting = match (health.pending, health.oldest_due_at) {
        (0, _) => "nothing waits".to_owned(),
        (count, None) => format!("{count} wait"),
        (count, Some(due)) => format!("{count} wait, the oldest due {}", due.relative_to(now)),
    };
    let success = health.last_success_at.map(|at| format!("; last success {}", at.relative_to(now)));
    let failed = failure.map(|failure| format!("; last failure {} ({})", failure.at.relative_to(now), failure.told()));
    format!(
        "{} since {}{}{}; {waiting}{}{}",
        health.state,
        moment::with_age(health.since, now),
        cause.unwrap_or_default(),
        hold.unwrap_or_default(),
        success.unwrap_or_default(),
        failed.unwrap_or_default()
    )
}

fn signs(endpoint: &Endpoint) -> String {
    let scheme = match &endpoint.scheme {
        Scheme::None => return format!("nothing (scheme none, preset {})", endpoint.preset),
        scheme => scheme.name(),
    };
    let secret = if endpoint.has_secret { "with a secret" } else { "not, because it has no secret" };
    let public = endpoint.public_key.as_deref().map(|key| format!(", public key {key}")).unwrap_or_default();
    format!("{secret} (scheme {scheme}, preset {}){public}", endpoint.preset)
}

fn under_way(rotation: &Rotation) -> String {
    let now = Timestamp::now();
    let older = rotation.secrets.saturating_sub(1);
    let overlap = rotation.overlap_until.map(|until| {
        let secrets = if older == 1 { "1 older secret signs" } else { &format!("{older} older secrets sign") };
        format!("{secrets} beside the current one, the last until {}", moment::with_age(until, now))
    });
    let switch = rotation.switch_at.map(|at| format!("the next secret takes over at {}", moment::with_age(at, now)));
    overlap.into_iter().chain(switch).collect::<Vec<_>>().join("; ")
}

fn tries(endpoint: &Endpoint) -> String {
    let retry = &endpoint.retry;
    let timeout = print_duration(endpoint.timeout_ms);
    if retry.max_attempts == 1 {
        return format!("once, given up after {timeout}");
    }
    let delays: Vec<String> = retry.delays_ms.iter().map(|delay| print_duration(*delay)).collect();
    let last =
        if (retry.delays_ms.len() as u64) < u64::from(retry.max_attempts) - 1 { ", the last one repeated" } else { "" };
    let (most, delays, jitter) = (retry.max_attempts, delays.join(" "), retry.jitter * 100.0);
    format!("{most} in all, each given up after {timeout}; pauses {delays}{last}, give or take {jitter:.0} %")
}

fn pace(endpoint: &Endpoint) -> String {
    let rate = endpoint.rate_per_second.map_or_else(|| "any rate".to_owned(), |rate| format!("at most {rate}/s"));
    let order = match (endpoint.ordered, endpoint.on_dead.as_str()) {
        (false, _) => "in no order",
        (true, "block") => "in order, blocked by a dead one",
        (true, _) => "in order, past a dead one",
    };
    format!("at most {} open requests, {rate}, {order}", endpoint.max_in_flight)
}

/// A value as people write it: the entries of a list with commas between them.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

const fn tls(tls: &Tls) -> Option<&'static str> {
    match (&tls.client_certificate, &tls.ca) {
        (Some(_), Some(_)) => Some("a client certificate, and certificate authorities of its own"),
        (Some(_), None) => Some("a client certificate"),
        (None, Some(_)) => Some("certificate authorities of its own"),
        (None, None) => None,
    }
}

fn sends(endpoint: &Endpoint) -> String {
    let headers = endpoint.headers.keys().cloned();
    let auth = endpoint.auth.iter().map(|auth| format!("{} authorization", auth.kind));
    headers.chain(auth).collect::<Vec<_>>().join(", ")
}
