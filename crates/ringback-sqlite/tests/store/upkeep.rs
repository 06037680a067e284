//! Upkeep in steps: each deletes a bounded number of rows, since all other writes wait meanwhile.

use ringback::{
    store::{Error, Retention, Step, Upkeep as _},
    time::Timestamp,
};
use sqlx::SqlitePool;
use tokio::sync::oneshot;

use crate::fixture::Fixture;

/// More than two steps over any table take.
const ROWS: i64 = 9_000;

/// What a step over rows of a few bytes deletes at most; over events, with all that belongs to them, it is a quarter of that.
const STEP_MAX: i64 = 4_000;

/// Old rows, by number from 1 on.
fn rows(insert: &str, values: &str) -> String {
    format!(
        "INSERT INTO {insert} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT {values} FROM n"
    )
}

async fn count(fixture: &Fixture, table: &str) -> i64 {
    let pool = SqlitePool::connect(&format!("sqlite://{}", fixture.path().display())).await.unwrap();
    let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&pool).await;
    pool.close().await;
    count.unwrap()
}

#[tokio::test]
async fn a_step_of_upkeep_deletes_a_bounded_number_of_rows_and_says_that_there_are_more() {
    let fixture = Fixture::new().await;
    let id = "unhex(printf('%028x0000', i))";
    for insert in [
        rows(
            "ringback_event (id, tenant, type, occurred_at, payload_bytes, payload)",
            &format!("{id}, 'default', 'x', 0, 1, x'00'"),
        ),
        rows(
            "ringback_attempt (delivery_id, at, duration, number, conclusion, ambiguous, detail, response_body)",
            &format!("{id}, 0, 0, 1, 1, 0, x'', x''"),
        ),
        rows("ringback_idempotency (tenant, type, key, event_id, created_at)", &format!("'default', 'x', i, {id}, 0")),
    ] {
        fixture.execute(insert).await.unwrap();
    }
    for (step, table, most) in [
        (Step::DropAttempts, "ringback_attempt", STEP_MAX),
        (Step::ForgetKeys, "ringback_idempotency", STEP_MAX),
        (Step::DropEvents, "ringback_event", STEP_MAX / 4),
    ] {
        let (mut left, mut steps) = (count(&fixture, table).await, 0);
        assert_eq!(left, ROWS, "{table}");
        while fixture.store.take_step(step, &Retention::default()).await.unwrap() {
            let now = count(&fixture, table).await;
            assert!((1..=most).contains(&(left - now)), "{table}: {} rows in one step", left - now);
            (left, steps) = (now, steps + 1);
        }
        assert!(steps >= ROWS / most, "{table}: it said {steps} times that there was more");
        assert_eq!(count(&fixture, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn what_an_open_transaction_stores_lies_after_what_counts_as_written() {
    let fixture = Fixture::new().await;
    let (begun, has_begun) = oneshot::channel();
    let (end, may_end) = oneshot::channel();
    let store = fixture.store.clone();
    let writing = tokio::spawn(async move {
        let write = store.write(move |_| {
            Box::pin(async move {
                begun.send(Timestamp::now()).unwrap();
                may_end.await.map_err(|gone| Error::Refused(gone.into()))
            })
        });
        write.await
    });
    let stored_at = has_begun.await.unwrap();
    let until = fixture.store.written_until().await.unwrap();
    assert!(until <= stored_at, "all is written until {until}, and something of {stored_at} is not committed");
    end.send(()).unwrap();
    writing.await.unwrap().unwrap();
    assert!(fixture.store.written_until().await.unwrap() > stored_at);
}
