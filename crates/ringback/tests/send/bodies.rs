//! After a status line: whatever a body does, the status has decided.

use ringback::attempt::RESPONSE_BODY_KEPT_MAX;

use super::*;

#[track_caller]
fn assert_delivered_in_part(outcome: &Outcome) {
    assert_delivered(outcome, 200);
    assert!(outcome.response.as_ref().unwrap().truncated, "{outcome:?}");
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_204_with_a_body_is_a_204() {
    let outcome = meet(Reply::raw("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello")).await;
    assert_delivered(&outcome, 204);
    assert!(outcome.response.unwrap().body.is_empty());
}

#[tokio::test]
async fn a_body_that_is_cut_off_leaves_a_success() {
    let sized = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhel";
    assert_delivered_in_part(&meet(Reply::raw(sized).then_close()).await);
    assert_delivered_in_part(&meet(Reply::raw(sized).then_wait(Duration::from_millis(50)).then_reset()).await);
    let chunked = Reply::raw(CHUNKED).then("a\r\nhel");
    assert_delivered_in_part(&meet(chunked.clone().then_close()).await);
    assert_delivered_in_part(&meet(chunked.then_wait(Duration::from_millis(50)).then_reset()).await);
}

#[tokio::test]
async fn a_failure_stays_a_failure_when_its_body_is_cut_off() {
    let outcome = meet(Reply::raw("HTTP/1.1 500 No\r\ncontent-length: 10\r\n\r\nhel").then_close()).await;
    assert_answered(&outcome, 500, ErrorClass::Status);
    assert_eq!(&outcome.response.unwrap().body[..], b"hel");
}

#[tokio::test]
async fn a_body_that_stalls_leaves_a_success_at_the_deadline() {
    let outcome = meet_within(Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhel").then_hang(), SHORT).await;
    assert_delivered_in_part(&outcome);
    assert_eq!(&outcome.response.unwrap().body[..], b"hel");
    let drip = Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        .then_drip("x".repeat(1000), Duration::from_millis(50));
    assert_delivered_in_part(&meet_within(drip, SHORT).await);
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_budget() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n"] {
        let outcome = meet(Reply::raw(head).then_flood("z".repeat(10_000))).await;
        assert_delivered_in_part(&outcome);
        assert_eq!(outcome.response.unwrap().body.len(), RESPONSE_BODY_KEPT_MAX);
    }
    let chunks = Reply::raw(CHUNKED).then_flood("1\r\nz\r\n".repeat(1_000));
    assert_delivered_in_part(&meet(chunks).await);
}

#[tokio::test]
async fn a_body_within_the_budget_is_read_to_its_end_and_kept_in_part() {
    let outcome = meet(Reply::status(200).body("z".repeat(100_000))).await;
    assert_delivered_in_part(&outcome);
    assert_eq!(outcome.response.unwrap().body.len(), RESPONSE_BODY_KEPT_MAX);
    let exact = meet(Reply::status(200).body("z".repeat(RESPONSE_BODY_KEPT_MAX))).await.response.unwrap();
    assert_eq!((exact.body.len(), exact.truncated), (RESPONSE_BODY_KEPT_MAX, false));
}

#[tokio::test]
async fn chunks_that_make_no_sense_leave_a_success() {
    let extensions = format!("1;{}\r\nz\r\n0\r\n\r\n", "e".repeat(20_000));
    let trailers = format!("0\r\n{}\r\n", "t: u\r\n".repeat(20_000));
    for chunks in ["zz\r\nhello\r\n", "ffffffffffffffffff\r\n", "5\r\nhelloworld\r\n", &extensions, &trailers] {
        assert_delivered(&meet(Reply::raw(CHUNKED).then(chunks.to_owned()).then_close()).await, 200);
    }
}

#[tokio::test]
async fn endless_trailers_end() {
    let outcome = meet(Reply::raw(CHUNKED).then("0\r\n").then_flood("t: u\r\n".repeat(1_000))).await;
    assert_delivered(&outcome, 200);
}

#[tokio::test]
async fn odd_transfer_encodings_are_delivered() {
    for encoding in ["gzip", "gzip, chunked", "chunked, chunked"] {
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {encoding}\r\n\r\n");
        assert_delivered(&meet(Reply::raw(head).then("2\r\nok\r\n0\r\n\r\n").then_close()).await, 200);
    }
}

#[tokio::test]
async fn a_compressed_body_is_kept_compressed() {
    let bomb = vec![0x1f; 5_000];
    let outcome = meet(Reply::status(200).header("content-encoding", "gzip").body(bomb.clone())).await;
    assert_delivered(&outcome, 200);
    assert_eq!(&outcome.response.unwrap().body[..], &bomb[..]);
}
