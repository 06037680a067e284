//! Events, deliveries and endpoints as people see them: the same on every command and in the demo.

mod policy;

use ringback::time::Timestamp;

use crate::{
    client::views::{Attempt, Delivery, Event, Ledger, Routing},
    print::{self, Paint, Tone, bytes, moment, plain},
};

pub(crate) use self::policy::policy;

/// Most of a receiver's answer that is shown.
const BODY_CHARS: usize = 160;

/// Most endpoints that are named for not getting an event.
const SKIPPED_MAX: usize = 10;

/// Most attempts of a delivery that are shown, the last ones.
const ATTEMPTS_MAX: usize = 10;

/// What happened, when, and what became of it.
pub(crate) fn head(event: &Event, paint: Paint) {
    let now = Timestamp::now();
    let key = event.key.as_deref().map(|key| format!("  key {key}")).unwrap_or_default();
    let head = format!("{}  {}{key}  tenant {}", event.event_type, event.id, event.tenant);
    print::line(paint.strong(&plain(&head)));
    let payload = match event.expunged_at {
        Some(at) => format!("payload expunged {}", at.relative_to(now)),
        None => bytes(event.payload_bytes),
    };
    print::line(format!("  accepted {}, {payload}, {}", moment::with_age(event.accepted_at, now), state(event)));
}

/// The same, and which endpoints did not get it, and why.
pub(crate) fn event(event: &Event, paint: Paint) {
    head(event, paint);
    let others: Vec<_> = event.routing.iter().filter(|routing| routing.verdict != "delivery").collect();
    others.iter().take(SKIPPED_MAX).for_each(|routing| skipped(routing));
    if others.len() > SKIPPED_MAX {
        print::line(format!("  and not to {} more: ringback explain {}", others.len() - SKIPPED_MAX, event.id));
    }
}

fn state(event: &Event) -> String {
    match (event.state.as_str(), &event.duplicate_of) {
        ("duplicate", Some(first)) => plain(&format!("a duplicate of {first}")),
        ("unmatched", _) => "unmatched: no endpoint wants it".to_owned(),
        ("unrouted", _) => "not routed yet".to_owned(),
        (state, _) => plain(state),
    }
}

fn skipped(routing: &Routing) {
    let endpoint = routing.endpoint_key.as_deref().or(routing.endpoint_id.as_deref()).unwrap_or("an endpoint");
    let why = routing.reason.as_deref().map_or("no reason is kept", skipped_because);
    print::line(plain(&format!("  not to {endpoint}: {why}")));
}

/// Why an endpoint did not get an event, in words.
pub(crate) fn skipped_because(reason: &str) -> &str {
    match reason {
        "type_not_selected" => "it does not select this type",
        "filtered" => "its filter left the event out",
        "not_addressed" => "the event was addressed to others",
        "unknown_endpoint_key" => "there is no endpoint with this key",
        other => other,
    }
}

/// One delivery: its state, what comes next, and each attempt with its answer.
pub(crate) fn delivery(delivery: &Delivery, event: &Event, paint: Paint) {
    let now = Timestamp::now();
    print::line("");
    let to = event.routing.iter().find(|routing| routing.endpoint_id == delivery.endpoint_id);
    let to = to.and_then(|routing| routing.endpoint_key.as_deref()).map(|key| format!(" ({key})")).unwrap_or_default();
    print::line(plain(&format!("  {} to {}{to}", delivery.id, delivery.to())));
    print::line(format!("    {}", standing(delivery, now, paint)));
    let earlier = delivery.attempts.len().saturating_sub(ATTEMPTS_MAX);
    if earlier > 0 {
        print::line(format!("    {earlier} earlier attempts: ringback deliveries {} --json", delivery.id));
    }
    delivery.attempts[earlier..].iter().for_each(|one| attempt(one, paint));
}

/// The colour of a delivery's status.
pub(crate) fn tone(status: &str) -> Tone {
    match status {
        "delivered" => Tone::Good,
        "dead" => Tone::Bad,
        "pending" => Tone::Pending,
        _ => Tone::Plain,
    }
}

/// What a delivery waits for, or how it ended, in a word or two.
pub(crate) fn next(delivery: &Delivery, now: Timestamp) -> String {
    let held = delivery.hold_reason.as_deref().map(|reason| format!("held: {reason}"));
    let due = delivery.next_attempt_at.map(|at| at.relative_to(now));
    let dead = delivery.dead_reason.as_ref().map(|reason| match &delivery.last_error {
        // For other reasons the attempts show more than the error's text.
        Some(error) if reason == "unroutable" => format!("{reason}: {error}"),
        _ => reason.clone(),
    });
    held.or(due).or(dead).unwrap_or_else(|| "-".to_owned())
}

/// The ledger as its two sums.
pub(crate) fn ledger(ledger: &Ledger) -> [String; 2] {
    let (events, deliveries) = (&ledger.events, &ledger.deliveries);
    [
        format!(
            "events      {} accepted = {} unrouted + {} duplicate + {} unmatched + {} routed",
            events.accepted, events.unrouted, events.duplicate, events.unmatched, events.routed
        ),
        format!(
            "deliveries  {} owed = {} pending + {} delivered + {} dead + {} cancelled",
            deliveries.owed, deliveries.pending, deliveries.delivered, deliveries.dead, deliveries.cancelled
        ),
    ]
}

/// How a delivery stands, and what can be done about it.
pub(crate) fn standing(delivery: &Delivery, now: Timestamp, paint: Paint) -> String {
    let tries = match delivery.attempt_count {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    };
    let when = |at: Option<Timestamp>| at.map(|at| format!(" {}", moment::with_age(at, now))).unwrap_or_default();
    match delivery.status.as_str() {
        "delivered" => paint.good(&format!("delivered{} after {tries}", when(delivery.finished_at))),
        "dead" => {
            let reason = delivery.dead_reason.as_deref().unwrap_or("given up");
            let died = delivery.died_at.or(delivery.finished_at);
            let cause = delivery.last_error.as_deref().filter(|_| reason == "unroutable");
            let cause = cause.map(|cause| format!(": {}", plain(cause))).unwrap_or_default();
            paint.bad(&format!("dead ({reason}){} after {tries}{cause}; {}", when(died), remedy(delivery, reason)))
        }
        "pending" => paint.pending(&coming(delivery, &tries, now)),
        other => format!("{other}{} after {tries}", when(delivery.finished_at)),
    }
}

/// What helps against a dead letter. Sending it again is suggested only if the cause may have passed.
fn remedy(delivery: &Delivery, reason: &str) -> String {
    let replay = format!("ringback replay {}", delivery.id);
    match (reason, &delivery.endpoint_id) {
        ("unroutable", None) => format!(
            "sending it again as it is cannot help, as the destination came with the event: if its URL is wrong, give \
             another ({replay} --to URL), otherwise emit the event again"
        ),
        ("unroutable", Some(endpoint)) => format!(
            "sending it again helps once the endpoint fits the payload (ringback endpoints update {endpoint}), then: {replay}"
        ),
        ("refused", _) => format!("if the receiver takes it now: {replay}"),
        ("gone", _) => format!("if the receiver is there again: {replay}"),
        _ => format!("to send it again: {replay}"),
    }
}

/// What a pending delivery waits for.
fn coming(delivery: &Delivery, tries: &str, now: Timestamp) -> String {
    let hold = delivery.hold_reason.as_deref().map(|reason| {
        let until = delivery.held_until.map(|at| format!(" until {}", moment::with_age(at, now))).unwrap_or_default();
        format!("held ({reason}){until}")
    });
    let next = delivery.next_attempt_at.map(|at| format!("next {}", moment::with_age(at, now)));
    let told = hold.or(next).unwrap_or_else(|| "due now".to_owned());
    format!("pending after {tries}: {}{told}", which(delivery))
}

/// Which attempt is next, and where its policy comes from: `attempt 2 of 3 (policy: preset), `.
fn which(delivery: &Delivery) -> String {
    let next = delivery.attempt_count + 1;
    let Some(most) = delivery.max_attempts else { return String::new() };
    let of = if next <= most { format!("of {most}") } else { format!("of a budget of {most} begun anew") };
    let origin = delivery.policy_origin.as_ref().map(|origin| format!(" (policy: {})", plain(origin)));
    format!("attempt {next} {of}{}, ", origin.unwrap_or_default())
}

/// One attempt with its answer.
pub(crate) fn attempt(attempt: &Attempt, paint: Paint) {
    let told = plain(&format!("#{} {} {}", attempt.number, moment::clock(attempt.at), came(attempt)));
    print::line(format!("    {}", if attempt.outcome == "delivered" { paint.good(&told) } else { paint.bad(&told) }));
    if let Some(body) = body(attempt) {
        print::line(paint.faint(&format!("       it said: {body}")));
    }
}

/// What came of an attempt, and how long it took.
pub(crate) fn came(attempt: &Attempt) -> String {
    let peer = |word: &str| attempt.remote_addr.as_deref().map(|peer| format!(" {word} {peer}")).unwrap_or_default();
    let came = match (attempt.status_code, attempt.error.as_deref()) {
        (Some(code), _) => format!("answered {code}{}", peer("by")),
        (None, Some(error)) => {
            format!("{error} in phase {}{}", attempt.phase.as_deref().unwrap_or("unknown"), peer("at"))
        }
        (None, None) => format!("{}{}", attempt.outcome, peer("at")),
    };
    let stale = if attempt.outcome == "stale" { ", too late to count" } else { "" };
    format!("{came} in {:.1} ms{stale}", attempt.duration_ms)
}

/// The beginning of a textual answer, on one line.
fn body(attempt: &Attempt) -> Option<String> {
    let response = attempt.response.as_ref().filter(|response| response.body_encoding.is_none())?;
    let text = response.body.as_deref()?.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = text.chars().take(BODY_CHARS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    (!cut.is_empty()).then(|| format!("{}{more}", plain(&cut)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dead(reason: &str, endpoint: Option<&str>, error: &str) -> String {
        let delivery = json!({
            "id": "dlv_1", "event_id": "evt_1", "endpoint_id": endpoint, "tenant": "t", "type": "a", "key": null, "url": null,
            "status": "dead", "dead_reason": reason, "attempt_count": 0, "next_attempt_at": null, "held_until": null,
            "hold_reason": null, "created_at": "2026-01-31T12:00:00Z", "finished_at": "2026-01-31T12:00:00Z",
            "last_error": error,
        });
        standing(&serde_json::from_value(delivery).unwrap(), Timestamp::now(), Paint::stdout())
    }

    #[test]
    fn the_advice_fits_the_cause() {
        let inline = dead("unroutable", None, "url: has no host");
        assert!(inline.contains("url: has no host") && inline.contains("emit the event again"), "{inline}");
        assert!(inline.contains("ringback replay dlv_1 --to URL"), "{inline}");
        let fixed = dead("unroutable", Some("ep_1"), "no /call/id");
        assert!(fixed.contains("no /call/id") && fixed.contains("endpoints update ep_1"), "{fixed}");
        for reason in ["exhausted", "expired", "gone"] {
            let told = dead(reason, Some("ep_1"), "status");
            assert!(told.contains("ringback replay dlv_1") && !told.contains("emit"), "{told}");
        }
    }
}
