//! Whether what is due is sent: the oldest due delivery, held destinations, dead letters.

use std::time::Duration;

use ringback::{
    Engine,
    delivery::HoldReason,
    metrics::Waiting,
    operate::{figures::COUNTED_MAX, held::Held},
    time::Timestamp,
};

use super::Finding;
use crate::print::moment;

/// A delivery that is due for longer, and not held, is late: healthy lanes send within a moment.
const LATE: Duration = Duration::from_secs(60);

/// Most held lanes that are looked at, the longest waiting first.
const HELD_MAX: usize = 10;

pub(super) async fn check(engine: &Engine) -> Vec<Finding> {
    let asked =
        async { Ok::<_, ringback::store::Error>((engine.waiting().await?, engine.held(None, HELD_MAX).await?)) };
    match asked.await {
        Ok((waiting, (held, more))) => {
            let now = Timestamp::now();
            let mut findings = vec![due(&waiting)];
            findings.extend(lanes(&held, more, now));
            findings.push(dead(waiting.dead));
            findings
        }
        Err(error) => vec![Finding::wrong("queue", error.to_string())],
    }
}

/// The oldest due delivery: late only if nothing keeps it from being sent.
fn due(waiting: &Waiting) -> Finding {
    let pending = counted(waiting.pending, "pending delivery", "pending deliveries");
    let Some(oldest) = waiting.oldest_due else {
        return Finding::fine("queue", format!("{pending}, none of them due"));
    };
    let told = format!("{pending}, the oldest due for {}", ringback::time::span(oldest.as_secs()));
    let late = waiting.oldest_due_unheld.filter(|unheld| *unheld > LATE);
    if oldest <= LATE {
        Finding::fine("queue", told)
    } else if let Some(late) = late {
        let late = ringback::time::span(late.as_secs());
        Finding::wrong("queue", format!("{told}; something that nothing keeps from being sent for {late}"))
            .remedy("see that a node runs `ringback serve` and what its log says; `/readyz` tells whether it is ready")
    } else {
        Finding::fine("queue", format!("{told}, because its destination is held"))
    }
}

/// Held lanes in which something waits: those of paused endpoints as people want them.
fn lanes(held: &[Held], more: usize, now: Timestamp) -> Vec<Finding> {
    let waiting = held.iter().filter(|held| held.due_at.is_some());
    let mut findings: Vec<_> = waiting.map(|held| lane(held, now)).collect();
    if more > 0 {
        findings.push(
            Finding::warning(Some("held"), format!("{more} destinations more are held")).remedy("`ringback top`"),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::fine("held", "nothing waits at a held destination"));
    }
    findings
}

fn lane(held: &Held, now: Timestamp) -> Finding {
    let Held { tenant, url, name, reason, until, due_at, .. } = held;
    let to = name.as_deref().or(url.as_deref()).unwrap_or("a destination that cannot be read");
    let since = due_at.map(|at| format!(", its oldest delivery due {}", at.relative_to(now))).unwrap_or_default();
    let until = until.map(|at| format!(" until {}", moment::clock(at))).unwrap_or_default();
    let told = format!("{to} of tenant {tenant} is held ({}){until}{since}", ringback::word::Word::name(*reason));
    let remedy = match reason {
        HoldReason::Paused => "`ringback endpoints resume` sends what waits",
        HoldReason::EndpointDisabled => {
            "`ringback endpoints update --enabled true` sends what waits, once its receiver is there"
        }
        _ => "its receiver has to recover: `ringback tail` shows what it answers",
    };
    Finding::warning(Some("held"), told).remedy(remedy)
}

fn dead(count: u32) -> Finding {
    if count == 0 {
        return Finding::fine("dead letters", "there are none");
    }
    let told = counted(count, "delivery was given up", "deliveries were given up");
    Finding::warning(Some("dead letters"), told)
        .remedy("`ringback dead-letters` lists them, `ringback replay` sends them again, `ringback discard` ends them")
}

fn counted(count: u32, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        COUNTED_MAX.. => format!("{COUNTED_MAX} {many} or more"),
        _ => format!("{count} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    fn waiting(oldest_due: Option<u64>, oldest_due_unheld: Option<u64>) -> Waiting {
        let (oldest_due, oldest_due_unheld) =
            (oldest_due.map(Duration::from_secs), oldest_due_unheld.map(Duration::from_secs));
        Waiting { pending: 3, oldest_due, oldest_due_unheld, ..Waiting::default() }
    }

    fn held(due_at: Option<Timestamp>) -> Held {
        let (url, reason) = (Some("https://example.com/h".to_owned()), HoldReason::Failing);
        Held { tenant: "acme".to_owned(), endpoint: None, url, name: None, reason, until: None, due_at }
    }

    #[test]
    fn what_is_due_and_not_held_is_bad_only_when_it_is_late() {
        assert_eq!(due(&waiting(None, None)).severity, Severity::Fine);
        assert_eq!(due(&waiting(Some(10), Some(10))).severity, Severity::Fine);
        let late = due(&waiting(Some(6_000), Some(600)));
        assert_eq!(late.severity, Severity::Wrong, "a hold hides nothing else");
        assert!(late.detail.contains("3 pending deliveries, the oldest due for 100 min"), "{late:?}");
        assert!(late.detail.ends_with("for 10 min"), "{late:?}");
        for unheld in [None, Some(10)] {
            let held = due(&waiting(Some(600), unheld));
            assert_eq!(held.severity, Severity::Fine);
            assert!(held.detail.ends_with("because its destination is held"), "{held:?}");
        }
    }

    #[test]
    fn held_destinations_and_dead_letters_are_told_with_what_helps() {
        let now = Timestamp::now();
        let found = lanes(&[held(Some(now)), held(None)], 2, now);
        assert_eq!(found.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Warning; 2]);
        assert!(found[0].detail.contains("https://example.com/h of tenant acme is held (failing)"), "{found:?}");
        assert_eq!(lanes(&[held(None)], 0, now)[0].severity, Severity::Fine);
        assert_eq!((dead(0).severity, dead(1).severity), (Severity::Fine, Severity::Warning));
        assert!(dead(COUNTED_MAX).detail.contains("100000 deliveries were given up or more"));
    }
}
