//! What becomes of names whose name servers answer late, by half, wrongly or not at all.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use ringback::egress::{ResolveError, SystemResolver};
use ringback_testkit::{Answer, Gate, Kind, NameServer, Question};

use super::*;

/// A name that no public rule speaks against; it is looked up nowhere but at the test's own name server.
const NAME: &str = "receiver.example.com";

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// No look-up that has half of its answer may take so long: a tenth of what silence costs.
const SOON: Duration = Duration::from_millis(500);

/// The other family's answer, in every way in which it can fail to help. None of them may take away what is there.
fn useless() -> [(&'static str, Answer); 6] {
    [
        ("silence", Answer::silence()),
        ("late", Answer::addresses([V4, V6]).after(Duration::from_secs(3))),
        ("SERVFAIL", Answer::server_failure()),
        ("REFUSED", Answer::refused()),
        ("NXDOMAIN", Answer::no_such_name()),
        ("nothing", Answer::nothing()),
    ]
}

async fn server(script: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> (NameServer, SystemResolver) {
    let server = NameServer::start(script).await;
    let resolver = SystemResolver::asking(&[server.address()]).unwrap();
    (server, resolver)
}

#[tokio::test]
async fn half_an_answer_is_an_answer_whatever_became_of_the_other_half() {
    for (there, address) in [(Kind::A, V4), (Kind::Aaaa, V6)] {
        for (how, other) in useless() {
            let script = move |question: &Question| {
                if question.kind == there { Answer::addresses([V4, V6]) } else { other.clone() }
            };
            let (_server, resolver) = server(script).await;
            let began = Instant::now();
            let found = resolver.resolve(NAME).await;
            assert_eq!(found.unwrap(), [address], "{there:?} is there, the other is: {how}");
            assert!(began.elapsed() < SOON * 4, "{how}: {:?}", began.elapsed());
        }
    }
}

#[tokio::test]
async fn a_receiver_is_reached_though_the_other_family_is_never_answered() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let (_server, resolver) = server(|question| match question.kind {
        Kind::A => Answer::addresses([V4]),
        _ => Answer::silence(),
    })
    .await;
    let sender = sender_with(egress(&["127.0.0.0/8"]), resolver, Roots::Certificates(Vec::new()));
    let url = receiver.url_under(NAME);
    let outcome = sender.send(&Connections::default(), &signed(&url), Duration::from_secs(2)).await;
    assert_delivered(&outcome, 204);
}

#[tokio::test]
async fn a_family_that_comes_a_moment_later_is_taken_along() {
    for first in [Kind::A, Kind::Aaaa] {
        let (_server, resolver) = server(move |question| {
            let pause = if question.kind == first { 0 } else { 10 };
            Answer::addresses([V4, V6]).after(Duration::from_millis(pause))
        })
        .await;
        assert_eq!(resolver.resolve(NAME).await.unwrap(), [V6, V4], "{first:?} came first");
    }
}

#[tokio::test]
async fn a_family_is_waited_for_while_the_other_has_no_address() {
    for (how, other) in useless().into_iter().filter(|(how, _)| !["silence", "late"].contains(how)) {
        let (_server, resolver) = server(move |question| match question.kind {
            Kind::A => Answer::addresses([V4]).after(Duration::from_millis(400)),
            _ => other.clone(),
        })
        .await;
        assert_eq!(resolver.resolve(NAME).await.unwrap(), [V4], "{how}");
    }
}

#[tokio::test]
async fn where_both_families_fail_the_more_telling_reason_is_given() {
    let kind = |error: ResolveError| match error {
        ResolveError::NoAddress => "no address",
        ResolveError::TimedOut => "timed out",
        _ => "failed",
    };
    for (v4, v6, expected) in [
        (Answer::nothing(), Answer::nothing(), "no address"),
        (Answer::no_such_name(), Answer::no_such_name(), "no address"),
        (Answer::no_such_name(), Answer::server_failure(), "no address"),
        (Answer::nothing(), Answer::server_failure(), "failed"),
        (Answer::server_failure(), Answer::nothing(), "failed"),
        (Answer::silence(), Answer::nothing(), "timed out"),
        (Answer::server_failure(), Answer::silence(), "failed"),
        (Answer::silence(), Answer::silence(), "timed out"),
    ] {
        let described = format!("{v4:?} and {v6:?}");
        let script = move |question: &Question| if question.kind == Kind::A { v4.clone() } else { v6.clone() };
        let (_server, resolver) = server(script).await;
        let error = resolver.resolve(NAME).await.unwrap_err();
        assert_eq!(kind(error), expected, "{described}");
    }
}

#[tokio::test]
async fn half_an_answer_is_not_remembered_as_the_whole() {
    static MENDED: AtomicBool = AtomicBool::new(false);
    let (_server, resolver) = server(|question| match question.kind {
        Kind::Aaaa if !MENDED.load(Ordering::SeqCst) => Answer::server_failure(),
        _ => Answer::addresses([V4, V6]),
    })
    .await;
    assert_eq!(resolver.resolve(NAME).await.unwrap(), [V4]);
    MENDED.store(true, Ordering::SeqCst);
    assert_eq!(resolver.resolve(NAME).await.unwrap(), [V6, V4]);
}

#[tokio::test]
async fn an_address_that_comes_late_is_never_dialled() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let forbidden = Receiver::setup().at(SocketAddr::new(V6, receiver.address().port()));
    let forbidden = forbidden.start(|_| Reply::status(204)).await;
    let gate = Gate::closed();
    let late = gate.clone();
    let (server, resolver) = server(move |question| match question.kind {
        Kind::A => Answer::addresses([V4]),
        _ => Answer::addresses([V6]).behind(&late),
    })
    .await;
    let sender = sender_with(egress(&["127.0.0.0/8"]), resolver, Roots::Certificates(Vec::new()));
    let url = receiver.url_under(NAME);
    assert_delivered(&sender.send(&Connections::default(), &signed(&url), AMPLE).await, 204);
    gate.open();
    assert_eq!((server.times_asked(NAME), forbidden.connections()), (2, 0));
    // The next look-up has both, and the forbidden one refuses the name.
    let outcome = sender.send(&Connections::default(), &signed(&url), AMPLE).await;
    assert_unsent(&outcome, ErrorClass::BlockedDestination, Phase::Policy);
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn a_name_that_is_rebound_between_two_look_ups_reaches_nothing() {
    let allowed = Receiver::start(|_| Reply::status(204)).await;
    let forbidden = Receiver::setup().at(([127, 0, 0, 2], allowed.address().port()).into());
    let forbidden = forbidden.start(|_| Reply::status(204)).await;
    let (server, resolver) = server(|question| match (question.kind, question.nth) {
        (Kind::A, 1) => Answer::addresses([V4]).ttl(1),
        (Kind::A, _) => Answer::addresses([[127, 0, 0, 2]]).ttl(1),
        _ => Answer::nothing(),
    })
    .await;
    let sender = sender_with(egress(&["127.0.0.1"]), resolver, Roots::Certificates(Vec::new()));
    let url = allowed.url_under(NAME);
    assert_delivered(&sender.send(&Connections::default(), &signed(&url), AMPLE).await, 204);
    // The answer is used for a second; then the name means something else.
    let blocked = loop {
        let outcome = sender.send(&Connections::default(), &signed(&url), AMPLE).await;
        if !outcome.is_delivered() {
            break outcome;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_unsent(&blocked, ErrorClass::BlockedDestination, Phase::Policy);
    assert_eq!(forbidden.connections(), 0);
    assert!(server.times_asked(NAME) >= 3, "it was asked for twice, the absent family perhaps once");
}

#[tokio::test]
async fn chains_of_aliases_are_followed_to_their_end() {
    let (server, resolver) = server(|question| match question.name.as_str() {
        NAME => Answer::addresses([V4, V6]).via(&["edge.example.net", "node.example.org"]),
        "first.example.com" => Answer::alias("second.example.com"),
        "second.example.com" => Answer::alias("third.example.com"),
        "third.example.com" => Answer::addresses([V4, V6]),
        _ => Answer::no_such_name(),
    })
    .await;
    assert_eq!(resolver.resolve(NAME).await.unwrap(), [V6, V4]);
    assert_eq!(resolver.resolve("first.example.com").await.unwrap(), [V6, V4]);
    assert!(server.times_asked("third.example.com") > 0);
}

#[tokio::test]
async fn aliases_in_a_circle_end_as_a_failed_look_up() {
    let (server, resolver) = server(|question| match question.name.as_str() {
        "ring-a.example.com" => Answer::alias("ring-b.example.com"),
        _ => Answer::alias("ring-a.example.com"),
    })
    .await;
    let error = resolver.resolve("ring-a.example.com").await.unwrap_err();
    assert!(matches!(error, ResolveError::NoAddress | ResolveError::Failed(_)), "{error:?}");
    assert!(server.asked().len() < 100, "{} questions", server.asked().len());
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_udp_is_fetched_over_tcp() {
    let (server, resolver) = server(|_| Answer::addresses([V4, V6]).truncated()).await;
    assert_eq!(resolver.resolve(NAME).await.unwrap(), [V6, V4]);
    assert!(server.asked().iter().any(|question| question.over_tcp));
}

#[tokio::test]
async fn a_receiver_that_moves_is_found_while_its_lane_is_busy() {
    let age = Duration::from_secs(1);
    let gate = Gate::closed();
    let held = gate.clone();
    let old = Receiver::start(move |request| match request.nth {
        1 => Reply::status(204).once(&held),
        _ => Reply::status(204),
    })
    .await;
    let new = Receiver::setup().at(([127, 0, 0, 2], old.address().port()).into()).start(|_| Reply::status(204)).await;
    let moved = Arc::new(AtomicBool::new(false));
    let has_moved = Arc::clone(&moved);
    let (_server, resolver) = server(move |question| match question.kind {
        Kind::A if has_moved.load(Ordering::SeqCst) => Answer::addresses([[127, 0, 0, 2]]).ttl(1),
        Kind::A => Answer::addresses([V4]).ttl(1),
        _ => Answer::nothing().ttl(1),
    })
    .await;
    let sender =
        Sender::new(egress(&["127.0.0.0/8"]), Arc::new(resolver), Roots::Certificates(Vec::new()), age).unwrap();
    let (pool, request) = (Connections::default(), signed(&old.url_under(NAME)));
    let open = sender.send(&pool, &request, AMPLE);
    let busy = async {
        old.next().await;
        moved.store(true, Ordering::SeqCst);
        let began = Instant::now();
        // Never idle for long: without an age its connection would be used for ever.
        while new.requests() == 0 {
            assert!(began.elapsed() < Duration::from_secs(15), "{} requests, all to the old place", old.requests());
            assert_delivered(&sender.send(&pool, &request, AMPLE).await, 204);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What was open at the old place is finished there.
        gate.open();
    };
    let (open, ()) = tokio::join!(open, busy);
    assert_delivered(&open, 204);
    assert_eq!(open.remote_addr, Some(old.address()));
    // It was the last: a connection that is too old is not kept when its answer has come.
    let outcome = sender.send(&pool, &request, AMPLE).await;
    assert_eq!(outcome.remote_addr, Some(new.address()));
}
