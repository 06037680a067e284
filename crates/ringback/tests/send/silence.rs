//! Receivers that do not answer: they hang, close, reset, or cannot be reached.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

use super::*;

#[tokio::test]
async fn a_receiver_that_never_answers_times_out_and_may_have_processed_it() {
    let outcome = meet_within(Reply::hang(), SHORT).await;
    assert_ambiguous(&outcome, ErrorClass::Timeout, Phase::Head);
    assert!(outcome.duration >= SHORT);
}

#[tokio::test]
async fn a_head_that_drips_times_out() {
    let drip = Reply::drip("HTTP/1.1 200 OK\r\nx: ".to_owned() + &"y".repeat(1000), Duration::from_millis(40));
    assert_ambiguous(&meet_within(drip, SHORT).await, ErrorClass::Timeout, Phase::Head);
}

#[tokio::test]
async fn a_slow_answer_before_the_deadline_is_delivered() {
    assert_delivered(&meet(Reply::status(200).after(Duration::from_millis(300))).await, 200);
}

#[tokio::test]
async fn what_was_answered_in_time_while_this_process_stood_still_is_read() {
    // The receiver lives on while this thread stands still.
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = elsewhere.spawn(Receiver::start(|_| Reply::status(200).after(SHORT / 2))).await.unwrap();
    let url = receiver.url();
    let stands_still = async {
        tokio::time::sleep(SHORT / 4).await;
        std::thread::sleep(SHORT + Duration::from_secs(1));
    };
    let (outcome, ()) = tokio::join!(attempt(&url, SHORT), stands_still);
    assert_delivered(&outcome, 200);
    elsewhere.shutdown_background();
}

#[tokio::test]
async fn a_receiver_that_reads_all_and_closes_may_have_processed_it() {
    assert_ambiguous(&meet(Reply::close()).await, ErrorClass::Reset, Phase::Head);
    assert_ambiguous(&meet(Reply::reset()).await, ErrorClass::Reset, Phase::Head);
}

#[tokio::test]
async fn a_receiver_that_closes_or_resets_at_once_is_a_reset() {
    for reply in [Reply::close(), Reply::reset()] {
        let receiver = Receiver::setup().reading_nothing().start(move |_| reply.clone()).await;
        let outcome = attempt(&receiver.url(), AMPLE).await;
        assert_eq!(outcome.failure.map(|failure| failure.error), Some(ErrorClass::Reset), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_answer_cut_in_its_head_is_no_answer() {
    for head in ["HTTP/1.1 200 OK\r\ncontent-len", "HTTP/1.", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"] {
        assert_ambiguous(&meet(Reply::raw(head).then_close()).await, ErrorClass::Protocol, Phase::Head);
    }
}

#[tokio::test]
async fn an_answer_before_the_whole_request_was_read_counts() {
    let large = Bytes::from(vec![b'x'; 20 * 1024 * 1024]);
    for status in [200, 413, 410] {
        let receiver = Receiver::setup().reading_heads_only().start(move |_| Reply::status(status).then_hang()).await;
        let request = signed_with(&receiver.url(), large.clone());
        let outcome = sender().send(&Connections::default(), &request, AMPLE).await;
        assert_eq!(outcome.response.unwrap().status, status);
    }
}

#[tokio::test]
async fn an_answer_followed_by_a_reset_while_the_request_is_written_is_not_lost_or_is_ambiguous() {
    let large = Bytes::from(vec![b'x'; 20 * 1024 * 1024]);
    let receiver = Receiver::setup().reading_heads_only().start(|_| Reply::status(200).then_close()).await;
    let request = signed_with(&receiver.url(), large);
    let outcome = sender().send(&Connections::default(), &request, AMPLE).await;
    match outcome.failure {
        None => assert_delivered(&outcome, 200),
        Some(failure) => assert!(failure.error == ErrorClass::Reset && failure.ambiguous, "{outcome:?}"),
    }
}

#[tokio::test]
async fn a_receiver_that_stops_reading_times_out_while_writing() {
    let receiver = Receiver::setup().reading_heads_only().start(|_| Reply::default().then_wait(AMPLE)).await;
    let request = signed_with(&receiver.url(), Bytes::from(vec![b'x'; 20 * 1024 * 1024]));
    let outcome = sender().send(&Connections::default(), &request, SHORT).await;
    assert_ambiguous(&outcome, ErrorClass::Timeout, Phase::Write);
}

#[tokio::test]
async fn an_attempt_that_timed_out_leaves_no_connection_behind() {
    let receiver = Receiver::start(|_| Reply::hang()).await;
    let (sender, pool) = (sender(), Connections::default());
    sender.send(&pool, &signed(&receiver.url()), SHORT).await;
    receiver.until_open(0).await;
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let outcome = attempt(&format!("http://{}/", closed_port()), AMPLE).await;
    assert_unsent(&outcome, ErrorClass::ConnectRefused, Phase::Connect);
}

#[tokio::test]
async fn a_full_accept_queue_times_out_while_connecting() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    // Fill the queue until connecting does not succeed at once any more.
    while let Ok(connected) = tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
        if waiting.len() > 64 {
            return; // This system's queue has no end, so there is nothing to see.
        }
    }
    let outcome = attempt(&format!("http://{address}/"), SHORT).await;
    assert_unsent(&outcome, ErrorClass::Timeout, Phase::Connect);
}

/// A port on which nothing listens.
pub(crate) fn closed_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn receivers_that_hang_leave_the_others_alone() {
    let hanging = Receiver::start(|_| Reply::hang()).await;
    let healthy = Receiver::start(|_| Reply::status(204)).await;
    let sender = sender();
    let lanes: Vec<_> = (0..100).map(|_| Connections::default()).collect();
    let hung = signed(&hanging.url());
    let hangs = futures_util::future::join_all(lanes.iter().map(|lane| sender.send(lane, &hung, AMPLE)));
    let ordinary = async {
        hanging.until_open(lanes.len()).await;
        for _ in 0..20 {
            let outcome = sender.send(&Connections::default(), &signed(&healthy.url()), AMPLE).await;
            assert_delivered(&outcome, 204);
        }
    };
    tokio::select! {
        _ = hangs => panic!("what hangs must not end first"),
        () = ordinary => {}
    }
}
