//! Names and their addresses: which are vetted, which are dialled, and names whose addresses change between registration
//! and sending.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{forbidden::assert_blocked, silence::closed_port, *};

#[tokio::test]
async fn plain_http_needs_permission() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let strict = Egress { allow_http: false, ..egress(&["127.0.0.0/8"]) };
    let sender = sender_with(strict, Names::new(), Roots::Certificates(Vec::new()));
    assert_blocked(&sender, &receiver.url()).await;
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_rebound_name_reaches_nothing() {
    let forbidden = Receiver::start(|_| Reply::status(204)).await;
    let public: IpAddr = [8, 8, 8, 8].into();
    let names = Names::new().with("rebind.example.com", [public]).with("rebind.example.com", [[127, 0, 0, 1]]);
    // What registration saw.
    assert_eq!(names.resolve("rebind.example.com").await.unwrap(), [public]);
    let sender = sender_with(egress(&[]), names, Roots::Certificates(Vec::new()));
    assert_blocked(&sender, &forbidden.url_under("rebind.example.com")).await;
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn the_address_that_was_vetted_is_the_one_that_is_dialled() {
    let allowed = Receiver::start(|_| Reply::status(204)).await;
    let forbidden = Receiver::setup().at(([127, 0, 0, 2], allowed.address().port()).into());
    let forbidden = forbidden.start(|_| Reply::status(204)).await;
    let name = "rebind.example.com";
    // Whoever looks twice for one connection vets the first answer and dials the second.
    let names = Arc::new(Names::new().with(name, [[127, 0, 0, 1]]).with(name, [[127, 0, 0, 2]]));
    let resolver: Arc<dyn Resolve> = Arc::<Names>::clone(&names);
    let sender =
        Sender::new(egress(&["127.0.0.1"]), resolver, Roots::Certificates(Vec::new()), CONNECTION_MAX_AGE).unwrap();
    let pool = Connections::default();
    let outcome = sender.send(&pool, &signed(&allowed.url_under(name)), AMPLE).await;
    assert_delivered(&outcome, 204);
    assert_eq!(outcome.remote_addr, Some(allowed.address()));
    assert_eq!((names.lookups(), forbidden.connections()), (1, 0));
    // The next connection looks anew, vets that answer, and reaches nothing.
    pool.clear();
    assert_blocked(&sender, &allowed.url_under(name)).await;
    assert_eq!((names.lookups(), forbidden.connections(), allowed.connections()), (2, 0, 1));
}

#[tokio::test]
async fn a_mixed_answer_reaches_nothing_not_even_its_good_half() {
    let forbidden = Receiver::start(|_| Reply::status(204)).await;
    let allowed = Receiver::setup().at(([127, 0, 0, 2], forbidden.address().port()).into());
    let allowed = allowed.start(|_| Reply::status(204)).await;
    let names = Names::new()
        .with("mixed.example.com", [[127, 0, 0, 2], [127, 0, 0, 1]])
        .with("mixed.example.com", [[127, 0, 0, 1], [127, 0, 0, 2]]);
    let sender = sender_with(egress(&["127.0.0.2"]), names, Roots::Certificates(Vec::new()));
    for _ in 0..2 {
        assert_blocked(&sender, &forbidden.url_under("mixed.example.com")).await;
    }
    assert_eq!((forbidden.connections(), allowed.connections()), (0, 0));
}

#[tokio::test]
async fn mapped_answers_are_judged_as_what_they_are() {
    let forbidden = Receiver::start(|_| Reply::status(204)).await;
    let mapped: IpAddr = Ipv4Addr::LOCALHOST.to_ipv6_mapped().into();
    let names = || Names::new().with("mapped.example.com", [mapped]);
    let closed = sender_with(egress(&[]), names(), Roots::Certificates(Vec::new()));
    assert_blocked(&closed, &forbidden.url_under("mapped.example.com")).await;
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn private_names_are_sent_to_when_the_allow_list_covers_them() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let names = Names::new().with("receiver.internal", [[127, 0, 0, 1]]).with("hooks", [[127, 0, 0, 1]]);
    let sender = sender_with(egress(&["127.0.0.0/8"]), names, Roots::Certificates(Vec::new()));
    for name in ["receiver.internal", "hooks"] {
        let request = signed(&receiver.url_under(name));
        assert_delivered(&sender.send(&Connections::default(), &request, AMPLE).await, 204);
    }
}

#[tokio::test]
async fn an_allowed_port_opens_no_other() {
    let receivers = [Receiver::start(|_| Reply::status(204)).await, Receiver::start(|_| Reply::status(204)).await];
    let allowed = format!("127.0.0.1:{}", receivers[0].address().port());
    let sender = sender_with(egress(&[&allowed]), Names::new(), Roots::Certificates(Vec::new()));
    let outcome = sender.send(&Connections::default(), &signed(&receivers[0].url()), AMPLE).await;
    assert_delivered(&outcome, 204);
    assert_blocked(&sender, &receivers[1].url()).await;
    assert_eq!(receivers[1].connections(), 0);
}

#[tokio::test]
async fn names_without_addresses_fail_as_dns() {
    let names = Names::new().with("empty.example.com", Vec::<IpAddr>::new());
    let sender = sender_with(egress(&["127.0.0.0/8"]), names, Roots::Certificates(Vec::new()));
    for url in ["http://missing.example.com/", "http://empty.example.com/"] {
        let outcome = sender.send(&Connections::default(), &signed(url), AMPLE).await;
        assert_unsent(&outcome, ErrorClass::Dns, Phase::Dns);
    }
}

#[tokio::test]
async fn a_name_server_that_never_answers_times_out() {
    let names = Names::new().with_silence("hooks.example.com");
    let sender = sender_with(egress(&[]), names, Roots::Certificates(Vec::new()));
    let outcome = sender.send(&Connections::default(), &signed("https://hooks.example.com/"), SHORT).await;
    assert_unsent(&outcome, ErrorClass::Timeout, Phase::Dns);
}

#[tokio::test]
async fn only_the_first_sixteen_addresses_are_dialled() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    // Nothing listens on the same port of the loopback's other addresses.
    let many = (0..2000u32).map(|n| IpAddr::from(Ipv4Addr::from(0x7f00_0100 + n)));
    let names = Names::new().with("many.example.com", many.chain([receiver.address().ip()]));
    let sender = sender_with(egress(&["127.0.0.0/8"]), names, Roots::Certificates(Vec::new()));
    let request = signed(&receiver.url_under("many.example.com"));
    let outcome = sender.send(&Connections::default(), &request, AMPLE).await;
    assert_unsent(&outcome, ErrorClass::Dns, Phase::Connect);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_dead_address_costs_a_moment_and_not_the_delivery() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let dead: IpAddr = [127, 0, 0, 9].into();
    let names = Names::new().with("two.example.com", [dead, receiver.address().ip()]);
    let sender = sender_with(egress(&["127.0.0.0/8"]), names, Roots::Certificates(Vec::new()));
    let request = signed(&receiver.url_under("two.example.com"));
    let outcome = sender.send(&Connections::default(), &request, AMPLE).await;
    assert_delivered(&outcome, 204);
    assert_eq!(outcome.remote_addr, Some(receiver.address()));
}

#[tokio::test]
async fn a_name_with_a_dead_ipv6_address_is_reached_by_ipv4() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let names = Names::new().with("dual.example.com", [IpAddr::from(Ipv6Addr::LOCALHOST), receiver.address().ip()]);
    let sender = sender_with(egress(&["127.0.0.0/8", "::1"]), names, Roots::Certificates(Vec::new()));
    let request = signed(&receiver.url_under("dual.example.com"));
    let outcome = sender.send(&Connections::default(), &request, AMPLE).await;
    assert_delivered(&outcome, 204);
    assert_eq!(outcome.remote_addr, Some(receiver.address()));
}

#[tokio::test]
async fn all_addresses_refusing_is_a_refusal() {
    let port = closed_port().port();
    let names = Names::new().with("two.example.com", [[127, 0, 0, 1], [127, 0, 0, 9]]);
    let sender = sender_with(egress(&["127.0.0.0/8"]), names, Roots::Certificates(Vec::new()));
    let request = signed(&format!("http://two.example.com:{port}/"));
    let outcome = sender.send(&Connections::default(), &request, AMPLE).await;
    assert_unsent(&outcome, ErrorClass::ConnectRefused, Phase::Connect);
}
