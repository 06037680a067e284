//! When a connection is used again, and when it must not be.

use super::*;

async fn send_twice(receiver: &Receiver, between: Duration) -> (Outcome, Outcome) {
    let (sender, pool) = (sender(), Connections::default());
    let request = signed(&receiver.url());
    let first = sender.send(&pool, &request, AMPLE).await;
    tokio::time::sleep(between).await;
    (first, sender.send(&pool, &request, AMPLE).await)
}

/// Long enough for what a receiver sent after its answer to have arrived.
const MOMENT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_lane_uses_its_connection_again() {
    let receiver = Receiver::start(|_| Reply::status(200).body("ok")).await;
    let (sender, pool) = (sender(), Connections::default());
    for _ in 0..20 {
        assert_delivered(&sender.send(&pool, &signed(&receiver.url()), AMPLE).await, 200);
        tokio::task::yield_now().await;
    }
    assert!(receiver.connections() < 5, "{} connections for 20 requests", receiver.connections());
}

#[tokio::test]
async fn a_reused_connection_has_no_connect_time() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let (_, second) = send_twice(&receiver, MOMENT).await;
    assert_eq!(second.timings.connect_ms, None);
    assert_eq!(second.remote_addr, Some(receiver.address()));
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn lanes_never_share_connections() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let (sender, lanes) = (sender(), [Connections::default(), Connections::default()]);
    for lane in &lanes {
        sender.send(lane, &signed(&receiver.url()), AMPLE).await;
        tokio::time::sleep(MOMENT).await;
    }
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn every_request_has_a_byte_budget_of_its_own() {
    let receiver = Receiver::start(|_| Reply::status(200).body("z".repeat(100_000))).await;
    let (sender, pool) = (sender(), Connections::default());
    for _ in 0..5 {
        let outcome = sender.send(&pool, &signed(&receiver.url()), AMPLE).await;
        assert_delivered(&outcome, 200);
        tokio::time::sleep(MOMENT).await;
    }
    assert_eq!(receiver.connections(), 1, "each answer was read to its end");
}

#[tokio::test]
async fn a_lane_that_changed_host_dials_anew() {
    let receivers = [Receiver::start(|_| Reply::status(204)).await, Receiver::start(|_| Reply::status(204)).await];
    let (sender, pool) = (sender(), Connections::default());
    for receiver in &receivers {
        assert_delivered(&sender.send(&pool, &signed(&receiver.url()), AMPLE).await, 204);
        tokio::time::sleep(MOMENT).await;
    }
    assert_eq!((receivers[0].connections(), receivers[1].connections()), (1, 1));
}

#[tokio::test]
async fn cleared_connections_are_closed() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let (sender, pool) = (sender(), Connections::default());
    sender.send(&pool, &signed(&receiver.url()), AMPLE).await;
    pool.clear();
    receiver.until_open(0).await;
}

#[tokio::test]
async fn a_connection_in_use_while_its_lane_is_cleared_is_not_kept() {
    let receiver = Receiver::start(|request| Reply::status(204).after(MOMENT * request.nth as u32)).await;
    let (sender, pool) = (sender(), Connections::default());
    let request = signed(&receiver.url());
    let (outcome, ()) = tokio::join!(sender.send(&pool, &request, AMPLE), async {
        receiver.next().await;
        pool.clear();
    });
    assert_delivered(&outcome, 204);
    receiver.until_open(0).await;
}

#[tokio::test]
async fn idle_connections_close_by_themselves() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let (sender, pool) = (sender(), Connections::default());
    sender.send(&pool, &signed(&receiver.url()), AMPLE).await;
    receiver.until_open(1).await;
    receiver.until_open(0).await;
    assert_delivered(&sender.send(&pool, &signed(&receiver.url()), AMPLE).await, 204);
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_receiver_that_closes_after_each_answer_gets_every_request() {
    for reply in [
        Reply::status(200).header("connection", "close").then_close(),
        Reply::status(200).then_close(),
        Reply::status(200).then_wait(Duration::from_millis(20)).then_reset(),
        Reply::raw("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").then_close(),
    ] {
        let receiver = Receiver::start(move |_| reply.clone()).await;
        let (first, second) = send_twice(&receiver, MOMENT).await;
        assert_delivered(&first, 200);
        assert_delivered(&second, 200);
        assert_eq!(receiver.connections(), 2);
    }
}

#[tokio::test]
async fn a_connection_that_dies_under_its_second_request_is_not_retried() {
    let receiver = Receiver::start(|request| if request.nth == 1 { Reply::status(200) } else { Reply::close() }).await;
    let (first, second) = send_twice(&receiver, MOMENT).await;
    assert_delivered(&first, 200);
    assert_ambiguous(&second, ErrorClass::Reset, Phase::Head);
    assert_eq!((receiver.connections(), receiver.requests()), (1, 2));
}

#[tokio::test]
async fn bytes_behind_an_answer_are_never_the_next_answer() {
    for reply in [
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 299 Stale\r\ncontent-length: 0\r\n\r\n"),
        Reply::raw(
            "HTTP/1.1 204 No Content\r\ncontent-length: 47\r\n\r\nHTTP/1.1 299 Stale\r\ncontent-length: 0\r\n\r\n",
        ),
        Reply::status(200).then_wait(Duration::from_millis(20)).then("HTTP/1.1 299 Stale\r\ncontent-length: 0\r\n\r\n"),
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ] {
        let receiver = Receiver::start(move |request| match request.connection {
            1 => reply.clone(),
            _ => Reply::status(201),
        })
        .await;
        let (first, second) = send_twice(&receiver, MOMENT).await;
        assert!(first.is_delivered());
        assert_delivered(&second, 201);
    }
}

#[tokio::test]
async fn bytes_behind_an_answer_are_not_the_next_answer_without_a_pause_either() {
    let receiver = Receiver::start(|request| match request.connection {
        1 => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 299 Stale\r\ncontent-length: 0\r\n\r\n"),
        _ => Reply::status(201),
    })
    .await;
    let (first, second) = send_twice(&receiver, Duration::ZERO).await;
    assert_delivered(&first, 200);
    assert_delivered(&second, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_share_few_connections() {
    let receiver = Arc::new(Receiver::start(|_| Reply::status(204)).await);
    let sender = Arc::new(sender());
    let pool = Arc::new(Connections::default());
    let workers: Vec<_> = (0..16)
        .map(|_| {
            let (sender, pool, request) = (Arc::clone(&sender), Arc::clone(&pool), signed(&receiver.url()));
            tokio::spawn(async move {
                for _ in 0..100 {
                    assert_delivered(&sender.send(&pool, &request, AMPLE).await, 204);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(receiver.requests(), 1_600);
    assert!(receiver.connections() <= 64, "{} connections for 16 at once", receiver.connections());
}
