//! Partitions that are too old go, and what is still owed stays.

use super::*;

#[tokio::test]
async fn old_partitions_go_and_the_ledger_balances_before_and_after() {
    let (store, schema) = with_a_past(5).await;
    let (done, due) = old_event(&store, 4).await;
    given::record(&store, given::retried(&due[0], Duration::ZERO)).await;
    let again = given::all_due(&store).await.into_iter().find(|it| it.id == due[0].id).unwrap();
    given::record(&store, given::delivered(&again)).await;
    given::record(&store, given::delivered(&due[1])).await;
    let mut unmatched = given::event_with(EventId::new(Timestamp::now() - DAY * 4));
    unmatched.tenant = "acme".to_owned();
    given::accept_due(&store, unmatched).await;
    let (pending, of_pending) = old_event(&store, 4).await;
    given::record(&store, given::delivered(&of_pending[0])).await;
    let (dead, of_dead) = old_event(&store, 3).await;
    given::record(&store, given::dead(&of_dead[0])).await;
    given::record(&store, given::delivered(&of_dead[1])).await;
    let young = given::one_delivered(&store).await;
    let (before, of_acme) = (ledger(&store, None).await, ledger(&store, Some("acme")).await);
    let count = partitions(&store, "event").await.len();

    let kept = Retention { events: DAY, attempts: DAY, ..Retention::default() };
    keep_house(&store, &kept).await;
    // Three are too old, and one was opened ahead.
    assert_eq!(partitions(&store, "event").await.len(), count - 3 + 1);
    assert_eq!(partitions(&store, "finished").await.len(), partitions(&store, "event").await.len());
    assert!(store.event(done).await.unwrap().is_none());
    assert!(store.delivery(due[0].id).await.unwrap().is_none());
    assert!(store.attempts(due[0].id).await.unwrap().is_empty());
    for id in [pending, dead] {
        assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "owed or dead: kept");
    }
    assert_eq!(given::delivery(&store, young.id).await.status, Status::Delivered);
    assert_eq!(ledger(&store, None).await, before);
    assert_eq!(ledger(&store, Some("acme")).await, of_acme);

    // What was kept can still be sent, and is then dropped in its turn.
    store.replay_one(of_dead[0].id, ReplayOf::Either, &given::asked()).await.unwrap();
    for due in given::all_due(&store).await {
        assert!(given::record(&store, given::delivered(&due)).await);
    }
    let sent = ledger(&store, None).await;
    assert_eq!((sent.deliveries.owed, sent.deliveries.pending, sent.deliveries.dead), (before.deliveries.owed, 0, 0));
    prune(&store, &kept).await;
    assert!(store.event(dead).await.unwrap().is_none());
    assert_eq!(ledger(&store, None).await, sent);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn what_becomes_owed_while_its_partition_is_retired_is_not_lost() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    deliver(&store, &due).await;
    let before = ledger(&store, None).await;
    store.replay_one(due[0].id, ReplayOf::Either, &given::asked()).await.unwrap();
    let kept = Retention { events: DAY, ..Retention::default() };
    for _ in 0..100 {
        if !retire::oldest(&store, EVENTS, &kept).await.unwrap() {
            break;
        }
    }
    let again = given::all_due(&store).await.remove(0);
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)));
    assert!(given::record(&store, given::delivered(&again)).await);
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn an_unrouted_event_survives_its_partition() {
    let (store, schema) = with_a_past(3).await;
    let (id, _) = old_event(&store, 2).await;
    let statement = format!(
        "DELETE FROM {schema}.delivery; INSERT INTO {schema}.outbox (seq, event_id) SELECT seq, id FROM {schema}.event"
    );
    store.desk().await.unwrap().execute(AssertSqlSafe(statement)).await.unwrap();
    keep_house(&store, &Retention { events: DAY, ..Retention::default() }).await;
    let waiting = given::unrouted(&store).await;
    assert_eq!(waiting[0].event.id, id);
    let due = store.record_routing(&[given::routed(&waiting[0], &[given::endpoint_id()])], DAY).await.unwrap().due;
    assert_eq!(due.len(), 1);
    ledger(&store, None).await;
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn no_partition_stays_beyond_its_retention() {
    let (store, schema) = with_a_past(20).await;
    let kept = Retention { events: DAY * 10, attempts: DAY * 5, ..Retention::default() };
    keep_house(&store, &kept).await;
    for (table, retention) in [("event", 10), ("finished", 10), ("attempt", 5)] {
        let oldest = partitions(&store, table).await.swap_remove(1);
        assert!(time_of(oldest.upper.unwrap()) > Timestamp::now() - DAY * retention, "{table}");
    }
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_payload_that_was_still_owed_when_its_time_came_goes_when_the_walk_comes_by_again() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    given::record(&store, given::delivered(&due[0])).await;
    let kept = Retention { payloads: DAY, ..Retention::default() };
    keep_house(&store, &kept).await;
    keep_house(&store, &kept).await;
    given::record(&store, given::delivered(&due[1])).await;
    keep_house(&store, &kept).await;
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "the walk has passed it");
    let week = format!(
        "UPDATE {schema}.upkeep SET position = {schema}.floor_of({schema}.accepted_at(position) - 7 * 86400000000::bigint)
         WHERE step = 'payloads_from'"
    );
    let done = store.desk().await.unwrap().execute(AssertSqlSafe(week)).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    keep_house(&store, &kept).await;
    keep_house(&store, &kept).await;
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expired);
    fresh::remove(&store, &schema).await;
}
