//! The next partition is opened before anybody needs it.

use super::*;

#[tokio::test]
async fn the_newest_partition_is_open_ended_and_lies_ahead() {
    let (store, schema) = fresh::migrated().await;
    keep_house(&store, &Retention::default()).await;
    for table in ["event", "verdict", "finished", "attempt"] {
        let partitions = partitions(&store, table).await;
        assert_eq!(partitions.len(), 3, "{partitions:?}");
        assert_eq!((partitions[0].lower, &*partitions[0].name), (None, &*format!("kept_{table}")));
        for pair in partitions.windows(2) {
            assert_eq!(pair[0].upper, pair[1].lower, "no gap");
        }
        let newest = partitions.last().unwrap();
        assert_eq!((newest.upper, newest.bytes), (None, 0));
        assert!(time_of(newest.lower.unwrap()) > Timestamp::now() + DAY / 2);
    }
    keep_house(&store, &Retention::default()).await;
    assert_eq!(partitions(&store, "event").await.len(), 3, "once is enough");
    let mut connection = fresh::connection().await;
    emit_in(&mut connection, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn splitting_gives_way_to_a_transaction_that_emits() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let mut transaction = connection.begin().await.unwrap();
    emit_in(&mut transaction, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    assert!(!store.keep_house(&Retention::default()).await.unwrap());
    assert_eq!(partitions(&store, "event").await.len(), 2, "not while somebody holds the table");
    emit_in(&mut transaction, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    transaction.commit().await.unwrap();
    store.keep_house(&Retention::default()).await.unwrap();
    assert_eq!(partitions(&store, "event").await.len(), 3);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_large_newest_partition_is_given_room_and_nobody_waits_for_the_proof() {
    let (store, schema) = fresh::migrated().await;
    let fill = format!(
        "INSERT INTO {schema}.event (id, occurred_at, payload_bytes, tenant, type, payload)
         SELECT (left({schema}.floor_of({schema}.clock())::text, 19) || '8000-' || lpad(to_hex(n), 8, '0') || '0000')::uuid,
                0, 1000, 'default', 'x', convert_to(repeat('x', 1000), 'UTF8')
         FROM generate_series(1, 20000) n"
    );
    let filled = store.desk().await.unwrap().execute(AssertSqlSafe(fill)).await;
    assert!(filled.is_ok(), "{filled:?}");
    keep_house(&store, &Retention::default()).await;
    let newest = partitions(&store, "event").await.pop().unwrap();
    assert_eq!(newest.upper, None);
    assert!(time_of(newest.lower.unwrap()) >= Timestamp::now() + DAY * 6, "room for a week");
    emit_in(&mut fresh::connection().await, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn there_are_never_more_than_64_partitions_of_a_table() {
    let (store, schema) = with_a_past(62).await;
    assert_eq!(partitions(&store, "event").await.len(), 64);
    keep_house(&store, &Retention { events: DAY * 80, attempts: DAY * 80, ..Retention::default() }).await;
    for table in ["event", "verdict", "finished", "attempt"] {
        assert_eq!(partitions(&store, table).await.len(), 64, "{table}");
    }
    emit_in(&mut fresh::connection().await, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    // As soon as old ones may go, they do, and the next is opened.
    keep_house(&store, &Retention { events: DAY * 10, attempts: DAY * 10, ..Retention::default() }).await;
    keep_house(&store, &Retention { events: DAY * 10, attempts: DAY * 10, ..Retention::default() }).await;
    let newest = partitions(&store, "event").await.pop().unwrap();
    assert!(time_of(newest.lower.unwrap()) > Timestamp::now());
    fresh::remove(&store, &schema).await;
}
