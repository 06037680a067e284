use prometheus_client::{encoding::text, registry::Registry};

use super::*;
use crate::{
    attempt::ErrorClass,
    delivery::{LaneId, Marks},
    id::EventId,
    time::Timestamp,
};

fn page(metrics: &Metrics) -> String {
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let mut page = String::new();
    text::encode(&mut page, &registry).unwrap();
    page
}

fn shows(metrics: &Metrics, sample: &str) -> bool {
    page(metrics).lines().any(|line| line == sample)
}

/// An outcome of an event that was accepted a second before its attempt, which took half a second.
fn outcome(settlement: Settlement, conclusion: Conclusion, error: Option<ErrorClass>) -> Recorded {
    let accepted_at = Timestamp::from_millis(1_700_000_000_000);
    let attempt = Attempt {
        number: 1,
        at: accepted_at + Duration::from_secs(1),
        conclusion,
        status: None,
        error,
        phase: None,
        ambiguous: false,
        duration: Duration::from_millis(500),
        detail: bytes::Bytes::new(),
        response_body: bytes::Bytes::new(),
    };
    let id = EventId::new(accepted_at).delivery(1);
    Recorded { id, lane: LaneId::from_i64(1), fence: 0, settlement, attempt: Some(attempt) }
}

fn owed(marks: Marks) -> Owed {
    Owed { endpoint: None, tenant: "acme".into(), marks, deliver_after: None }
}

#[test]
fn a_delivery_is_counted_and_timed_from_its_acceptance() {
    let metrics = Metrics::default();
    metrics.count_recorded(&outcome(Settlement::Delivered, Conclusion::Delivered, None), true, &owed(Marks::default()));
    for sample in [
        r#"ringback_attempts_total{outcome="delivered",error=""} 1"#,
        r#"ringback_deliveries_total{status="delivered"} 1"#,
        r#"ringback_attempt_duration_seconds_sum{outcome="delivered"} 0.5"#,
        "ringback_first_attempt_delay_seconds_sum 1.0",
        "ringback_delivery_duration_seconds_sum 1.5",
    ] {
        assert!(shows(&metrics, sample), "{sample}\n{}", page(&metrics));
    }
}

#[test]
fn what_came_too_late_is_an_attempt_and_nothing_else() {
    let metrics = Metrics::default();
    let late = outcome(Settlement::Delivered, Conclusion::Delivered, None);
    metrics.count_recorded(&late, false, &owed(Marks::default()));
    assert!(shows(&metrics, r#"ringback_attempts_total{outcome="stale",error=""} 1"#));
    assert!(shows(&metrics, r#"ringback_deliveries_total{status="delivered"} 0"#));
    assert!(shows(&metrics, "ringback_first_attempt_delay_seconds_count 0"));
}

#[test]
fn a_replay_of_a_delivered_one_is_an_attempt_and_nothing_else() {
    let metrics = Metrics::default();
    let marks = Marks { replay: true, delivered_before: true, ..Marks::default() };
    let dead = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
    metrics.count_recorded(&outcome(dead, Conclusion::Failed, Some(ErrorClass::Timeout)), true, &owed(marks));
    assert!(shows(&metrics, r#"ringback_attempts_total{outcome="failed",error="timeout"} 1"#));
    assert!(shows(&metrics, r#"ringback_dead_total{reason="exhausted"} 0"#));
}

#[test]
fn the_time_until_a_replay_is_not_the_time_of_a_delivery() {
    let metrics = Metrics::default();
    let marks = Marks { replay: true, ..Marks::default() };
    metrics.count_recorded(&outcome(Settlement::Delivered, Conclusion::Delivered, None), true, &owed(marks));
    assert!(shows(&metrics, r#"ringback_deliveries_total{status="delivered"} 1"#));
    assert!(shows(&metrics, "ringback_delivery_duration_seconds_count 0"));
}

#[test]
fn a_delivery_that_was_never_tried_is_dead_all_the_same() {
    let metrics = Metrics::default();
    let dead = Settlement::Dead { reason: DeadReason::Unroutable, detail: None, blocks: false };
    let untried = Recorded { attempt: None, ..outcome(dead, Conclusion::Failed, None) };
    metrics.count_recorded(&untried, true, &owed(Marks::default()));
    assert!(shows(&metrics, r#"ringback_dead_total{reason="unroutable"} 1"#));
    assert!(shows(&metrics, r#"ringback_deliveries_total{status="dead"} 1"#));
    assert!(shows(&metrics, "ringback_first_attempt_delay_seconds_count 0"));
}

#[test]
fn only_calls_of_the_pipeline_are_measured() {
    let metrics = Metrics::default();
    for call in ["record", "list_events"] {
        measure(&metrics.store_durations(), call, Duration::from_millis(1));
    }
    assert!(shows(&metrics, r#"ringback_store_duration_seconds_count{statement="record"} 1"#));
    assert!(!page(&metrics).contains("list_events"));
}

#[test]
fn a_request_counts_as_open_until_it_is_dropped() {
    let metrics = Metrics::default();
    let open = [metrics.open_request(), metrics.open_request()];
    assert_eq!(metrics.requests_open(), 2);
    drop(open);
    assert_eq!(metrics.requests_open(), 0);
}

#[test]
fn what_nobody_knows_is_left_out() {
    let metrics = Metrics::default();
    assert!(shows(&metrics, "ringback_store_up 0"));
    assert!(!page(&metrics).contains("ringback_deliveries_pending"));
    let waiting = Waiting {
        pending: 3,
        oldest_due: Some(Duration::from_millis(1_500)),
        held: vec![HeldLanes { reason: crate::delivery::HoldReason::Paused, lanes: 1, deliveries: 2 }],
        ..Waiting::default()
    };
    metrics.set_waiting(Some(waiting));
    for sample in [
        "ringback_store_up 1",
        "ringback_deliveries_pending 3",
        "ringback_oldest_due_age_seconds 1.5",
        r#"ringback_deliveries_held{reason="paused"} 2"#,
    ] {
        assert!(shows(&metrics, sample), "{sample}\n{}", page(&metrics));
    }
    metrics.set_waiting(None);
    assert!(!page(&metrics).contains("ringback_deliveries_pending"));
}

#[test]
fn events_of_one_commit_are_counted_by_what_became_of_them() {
    use crate::store::{RoutedAs, Verdict};
    let metrics = Metrics::default();
    let mut arrivals = Arrivals::default();
    arrivals.add(&Verdict::Unmatched);
    arrivals.add_routed(RoutedAs::Duplicate, &Verdict::Unmatched);
    arrivals.add_routed(RoutedAs::ByAnother, &Verdict::Unmatched);
    metrics.count_arrivals(&arrivals);
    assert_eq!(metrics.events_accepted(), 2, "what another node routed is counted there");
    assert!(shows(&metrics, r#"ringback_events_total{state="unmatched"} 1"#));
    assert!(shows(&metrics, r#"ringback_events_total{state="duplicate"} 1"#));
}
