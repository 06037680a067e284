//! Status lines and heads: the rows of the table in which the receiver says something.

use super::*;

#[tokio::test]
async fn every_status_from_200_to_299_is_a_success() {
    for status in [200, 201, 202, 204, 206, 299] {
        assert_delivered(&meet(Reply::status(status)).await, status);
    }
}

#[tokio::test]
async fn an_answer_is_kept_as_it_came() {
    let outcome = meet(Reply::status(200).header("X-Request-Id", "7").body("thanks")).await;
    let response = outcome.response.unwrap();
    assert!(response.headers.contains(&("x-request-id".to_owned(), "7".to_owned())));
    assert_eq!(&response.body[..], b"thanks");
    assert!(!response.truncated);
    let timings = outcome.timings;
    assert!(timings.connect_ms.is_some() && timings.head_ms.is_some() && timings.body_ms.is_some());
    assert!(timings.dns_ms.is_none() && timings.tls_ms.is_none());
}

#[tokio::test]
async fn redirects_are_failures_and_never_followed() {
    let forbidden = Receiver::start(|_| Reply::status(200)).await;
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let location = forbidden.url();
        let outcome = meet(Reply::status(status).header("location", &location)).await;
        assert_answered(&outcome, status, ErrorClass::Redirect);
        let headers = outcome.response.unwrap().headers;
        assert!(headers.contains(&("location".to_owned(), location)));
    }
    assert_answered(&meet(Reply::status(304)).await, 304, ErrorClass::Redirect);
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn every_other_final_status_is_a_failure() {
    for status in [400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 500, 502, 503, 504, 600, 999] {
        assert_answered(&meet(Reply::status(status)).await, status, ErrorClass::Status);
    }
}

#[tokio::test]
async fn every_retry_after_is_kept_whatever_it_says() {
    for value in ["30", "1e300", "inf", "-5", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", ""] {
        let outcome = meet(Reply::status(503).header("retry-after", value)).await;
        assert_answered(&outcome, 503, ErrorClass::Status);
        assert!(outcome.response.unwrap().headers.contains(&("retry-after".to_owned(), value.to_owned())), "{value}");
    }
    let several = Reply::status(429).header("retry-after", "1").header("Retry-After", "2").header("RETRY-AFTER", "3");
    let headers = meet(several).await.response.unwrap().headers;
    assert_eq!(headers.iter().filter(|(name, _)| name == "retry-after").count(), 3);
}

#[tokio::test]
async fn a_retry_after_behind_large_headers_is_kept() {
    let filler = "x".repeat(3_000);
    let reply = (0..10).fold(Reply::status(503), |reply, n| reply.header(&format!("x-{n}"), &filler));
    let headers = meet(reply.header("retry-after", "17")).await.response.unwrap().headers;
    assert!(headers.contains(&("retry-after".to_owned(), "17".to_owned())));
    let kept: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(kept <= 9 * 1024, "{kept} bytes of headers kept");
}

#[tokio::test]
async fn a_status_that_is_no_number_from_100_to_999_is_not_http() {
    for status in ["abc", "99", "000", "1000", "20", "-200", ""] {
        let outcome = meet(Reply::raw(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"))).await;
        assert_ambiguous(&outcome, ErrorClass::Protocol, Phase::Head);
    }
}

#[tokio::test]
async fn a_status_line_without_reason_is_enough() {
    assert_delivered(&meet(Reply::raw("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n")).await, 200);
}

#[tokio::test]
async fn what_is_not_http_1_fails_at_once() {
    for text in [
        "ICY 200 OK\r\n\r\n",
        "<html>hello</html>\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "220 mail.example.com ESMTP\r\n",
        "-ERR unknown command 'POST'\r\n",
        "\u{0}\u{0}\u{12}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}",
    ] {
        let outcome = meet(Reply::raw(text).then_close()).await;
        assert_ambiguous(&outcome, ErrorClass::Protocol, Phase::Head);
    }
}

#[tokio::test]
async fn a_banner_before_the_request_is_not_http() {
    let receiver =
        Receiver::setup().reading_nothing().start(|_| Reply::raw("SSH-2.0-OpenSSH_9.6\r\n").then_hang()).await;
    let outcome = attempt(&receiver.url(), AMPLE).await;
    assert_eq!(outcome.failure.map(|failure| failure.error), Some(ErrorClass::Protocol), "{outcome:?}");
}

#[tokio::test]
async fn http_1_0_until_close_is_delivered() {
    let outcome = meet(Reply::raw("HTTP/1.0 200 OK\r\n\r\nfine").then_close()).await;
    assert_delivered(&outcome, 200);
    let response = outcome.response.unwrap();
    assert_eq!(&response.body[..], b"fine");
    assert!(!response.truncated);
}

#[tokio::test]
async fn switching_protocols_is_no_answer() {
    let reply = Reply::raw("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    let outcome = meet(reply.then_hang()).await;
    let failure = Failure { error: ErrorClass::Protocol, phase: Some(Phase::Head), ambiguous: false };
    assert_eq!(outcome.failure, Some(failure));
}

#[tokio::test]
async fn a_few_interim_answers_are_skipped() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(50);
    let outcome = meet(Reply::raw(interim).then("HTTP/1.1 204 No Content\r\n\r\n")).await;
    assert_delivered(&outcome, 204);
}

#[tokio::test]
async fn a_flood_of_interim_answers_ends_at_the_budget() {
    for line in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"] {
        let outcome = meet(Reply::flood(line.repeat(100))).await;
        assert_ambiguous(&outcome, ErrorClass::TooLarge, Phase::Head);
        assert!(outcome.duration < AMPLE / 2, "{:?}", outcome.duration);
    }
}

#[tokio::test]
async fn floods_leave_an_ordinary_delivery_alone() {
    let flooding = Receiver::start(|_| Reply::flood("HTTP/1.1 100 Continue\r\n\r\n".repeat(100))).await;
    let healthy = Receiver::start(|_| Reply::status(204)).await;
    let sender = sender();
    let (request, flooded) = (signed(&healthy.url()), signed(&flooding.url()));
    let pools: Vec<_> = (0..8).map(|_| Connections::default()).collect();
    let floods = futures_util::future::join_all(pools.iter().map(|pool| sender.send(pool, &flooded, AMPLE)));
    let pool = Connections::default();
    let (floods, ordinary) = tokio::join!(floods, sender.send(&pool, &request, AMPLE));
    assert_delivered(&ordinary, 204);
    assert!(floods.iter().all(|flood| flood.failure.is_some_and(|failure| failure.error == ErrorClass::TooLarge)));
}

#[tokio::test]
async fn a_head_of_60_kb_is_read() {
    let reply = (0..15).fold(Reply::status(200), |reply, n| reply.header(&format!("x-{n}"), &"y".repeat(4_000)));
    assert_delivered(&meet(reply).await, 200);
}

#[tokio::test]
async fn a_larger_head_is_too_large() {
    for bytes in [70_000, 300_000, 1_000_000] {
        let outcome = meet(Reply::status(200).header("x", &"y".repeat(bytes))).await;
        assert_ambiguous(&outcome, ErrorClass::TooLarge, Phase::Head);
    }
    let endless = meet(Reply::raw("HTTP/1.1 200 OK\r\nx: ").then_flood("y".repeat(10_000))).await;
    assert_ambiguous(&endless, ErrorClass::TooLarge, Phase::Head);
    assert!(endless.duration < AMPLE / 2, "{:?}", endless.duration);
}

#[tokio::test]
async fn a_hundred_headers_are_read_and_no_more() {
    let with = |count: usize| {
        // `content-length` is one of them.
        meet((1..count).fold(Reply::status(200), |reply, n| reply.header(&format!("x-{n}"), "y")))
    };
    assert_delivered(&with(99).await, 200);
    assert_delivered(&with(100).await, 200);
    assert_ambiguous(&with(101).await, ErrorClass::Protocol, Phase::Head);
}

#[tokio::test]
async fn malformed_headers_are_not_http() {
    for header in ["x: a\r\n b", "no colon", "x : y", "x: a\u{0}b", ": y", "x\u{7f}: y"] {
        let outcome = meet(Reply::raw(format!("HTTP/1.1 200 OK\r\n{header}\r\ncontent-length: 0\r\n\r\n"))).await;
        assert_ambiguous(&outcome, ErrorClass::Protocol, Phase::Head);
    }
}

#[tokio::test]
async fn lengths_that_make_no_sense_are_not_http() {
    for lengths in [
        "content-length: 99999999999999999999",
        "content-length: -1",
        "content-length: +2",
        "content-length: 2\r\ncontent-length: 3",
        "content-length: two",
    ] {
        let outcome = meet(Reply::raw(format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\nok"))).await;
        assert_ambiguous(&outcome, ErrorClass::Protocol, Phase::Head);
    }
}

#[tokio::test]
async fn sloppy_line_ends_are_forgiven() {
    for text in ["\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\ncontent-length: 0\n\n"] {
        assert_delivered(&meet(Reply::raw(text)).await, 200);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced_in_headers_and_kept_in_bodies() {
    let outcome =
        meet(Reply::raw(&b"HTTP/1.1 200 OK\r\nx: caf\xe9\r\ncontent-length: 4\r\n\r\n\xff\x00\xfe\x01"[..])).await;
    assert_delivered(&outcome, 200);
    let response = outcome.response.unwrap();
    assert!(response.headers.contains(&("x".to_owned(), "caf\u{fffd}".to_owned())));
    assert_eq!(&response.body[..], b"\xff\x00\xfe\x01");
}
