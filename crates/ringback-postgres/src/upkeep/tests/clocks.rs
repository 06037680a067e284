//! What is too old goes by the clock of the database.

use super::*;

#[tokio::test]
async fn what_is_too_old_goes_by_the_databases_clock_alone() {
    // The database's clock is 100 days behind this node's, which is as if this node's were 100 days ahead.
    let (store, schema) = with_one_partition_from(102).await;
    set_clock_back(&store, &schema, 100).await;
    split_at(&store, Timestamp::now() - DAY * 99).await;
    let (id, due) = old_event(&store, 100).await;
    given::record(&store, given::retried(&due[0], Duration::ZERO)).await;
    let again = given::all_due(&store).await.into_iter().find(|it| it.id == due[0].id).unwrap();
    given::record(&store, given::delivered(&again)).await;
    given::record(&store, given::delivered(&due[1])).await;
    let before = ledger(&store, None).await;
    keep_house(&store, &Retention::default()).await;
    keep_house(&store, &Retention::default()).await;
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "accepted today");
    assert_eq!(store.attempts(due[0].id).await.unwrap().len(), 2);
    assert_eq!(partitions(&store, "event").await.len(), 3);
    assert_eq!(ledger(&store, None).await, before);
    // By a clock that has moved on, they go.
    set_clock_back(&store, &schema, 0).await;
    keep_house(&store, &Retention::default()).await;
    assert!(store.event(id).await.unwrap().is_none());
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn an_id_ahead_of_the_clock_keeps_no_other_step_from_being_done() {
    let (store, schema) = with_a_past(5).await;
    let (old, due) = old_event(&store, 4).await;
    deliver(&store, &due).await;
    let ahead = format!(
        "INSERT INTO {schema}.event (id, occurred_at, payload_bytes, tenant, type, payload)
         VALUES ({schema}.floor_of({schema}.clock() + 30 * 86400000000), 0, 0, 'default', 'x', '')"
    );
    store.desk().await.unwrap().execute(AssertSqlSafe(ahead)).await.unwrap();
    let attempts = partitions(&store, "attempt").await.len();
    let kept = Retention { events: DAY, ..Retention::default() };
    for _ in 0..10 {
        let told = store.keep_house(&kept).await.unwrap_err().to_string();
        assert!(told.contains("holds an id of") && told.contains("the database's clock shows"), "{told}");
    }
    assert!(store.event(old).await.unwrap().is_none(), "retired all the same");
    assert_eq!(partitions(&store, "attempt").await.len(), attempts + 1, "opened all the same");
    emit_in(&mut fresh::connection().await, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    fresh::remove(&store, &schema).await;
}
