//! Certificates and handshakes, good and bad.

use ringback::endpoint::ClientTls;
use ringback_testkit::authority::{Authority, Identity};
use rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::*;

const NAME: &str = "hooks.example.com";

/// One attempt at a TLS receiver under [`NAME`], by a sender that trusts `authority`.
async fn meet_tls(authority: &Authority, server: ServerConfig) -> (Outcome, Receiver) {
    let receiver = Receiver::start_tls(server, |_| Reply::status(204)).await;
    let outcome = trusting(authority).send(&Connections::default(), &signed(&receiver.url_under(NAME)), AMPLE).await;
    (outcome, receiver)
}

fn trusting(authority: &Authority) -> Sender {
    let names = Names::new().with(NAME, [[127, 0, 0, 1]]);
    sender_with(egress(&["127.0.0.0/8"]), names, Roots::Certificates(vec![authority.certificate()]))
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

#[tokio::test]
async fn a_valid_certificate_is_delivered_to_with_either_version() {
    let authority = Authority::new();
    for version in VERSIONS {
        let (outcome, receiver) = meet_tls(&authority, authority.valid(&[NAME]).server_speaking(&[version])).await;
        assert_delivered(&outcome, 204);
        assert!(outcome.timings.tls_ms.is_some() && outcome.timings.dns_ms.is_some());
        assert_eq!(
            receiver.next().await.header("host"),
            Some(format!("{NAME}:{}", receiver.address().port()).as_str())
        );
    }
}

#[tokio::test]
async fn a_certificate_for_an_address_is_delivered_to() {
    let authority = Authority::new();
    let receiver = Receiver::start_tls(authority.valid(&["127.0.0.1"]).server(), |_| Reply::status(204)).await;
    let outcome = trusting(&authority).send(&Connections::default(), &signed(&receiver.url()), AMPLE).await;
    assert_delivered(&outcome, 204);
}

#[tokio::test]
async fn a_name_with_the_dot_of_the_root_is_asked_for_without_it() {
    let authority = Authority::new();
    let receiver = Receiver::start_tls(authority.valid(&[NAME]).server(), |_| Reply::status(204)).await;
    let url = receiver.url_under("hooks.example.com.");
    assert_delivered(&trusting(&authority).send(&Connections::default(), &signed(&url), AMPLE).await, 204);
    let host = format!("{NAME}:{}", receiver.address().port());
    assert_eq!(receiver.next().await.header("host"), Some(host.as_str()));
}

#[tokio::test]
async fn http_2_is_not_offered() {
    let authority = Authority::new();
    let mut server = authority.valid(&[NAME]).server();
    server.alpn_protocols = vec![b"h2".to_vec()];
    let (outcome, _) = meet_tls(&authority, server).await;
    assert_unsent(&outcome, ErrorClass::TlsProtocol, Phase::Tls);
}

#[tokio::test]
async fn certificates_out_of_their_time_are_expired() {
    let authority = Authority::new();
    for identity in [authority.expired(&[NAME]), authority.not_yet_valid(&[NAME])] {
        let (outcome, receiver) = meet_tls(&authority, identity.server()).await;
        assert_unsent(&outcome, ErrorClass::TlsExpired, Phase::Tls);
        assert_eq!(receiver.requests(), 0);
    }
}

#[tokio::test]
async fn certificates_for_another_name_are_refused() {
    let authority = Authority::new();
    for identity in [
        authority.valid(&["other.example.com"]),
        authority.valid(&["*.hooks.example.com"]),
        authority.valid(&["127.0.0.1"]),
        authority.with_common_name_only(NAME),
    ] {
        let (outcome, _) = meet_tls(&authority, identity.server()).await;
        assert_unsent(&outcome, ErrorClass::TlsName, Phase::Tls);
    }
}

#[tokio::test]
async fn certificates_that_nobody_trusted_vouches_for_are_refused() {
    let trusted = Authority::new();
    for identity in
        [Authority::new().valid(&[NAME]), Identity::self_signed_authority(&[NAME]), trusted.for_clients_only(&[NAME])]
    {
        let (outcome, _) = meet_tls(&trusted, identity.server()).await;
        assert_unsent(&outcome, ErrorClass::TlsUntrusted, Phase::Tls);
    }
}

#[tokio::test]
async fn an_authority_used_as_a_server_is_untrusted_though_it_is_a_root() {
    let identity = Identity::self_signed_authority(&[NAME]);
    let names = Names::new().with(NAME, [[127, 0, 0, 1]]);
    let sender = sender_with(egress(&["127.0.0.0/8"]), names, Roots::Certificates(vec![identity.certificate()]));
    let receiver = Receiver::start_tls(identity.server(), |_| Reply::status(204)).await;
    let outcome = sender.send(&Connections::default(), &signed(&receiver.url_under(NAME)), AMPLE).await;
    assert_unsent(&outcome, ErrorClass::TlsUntrusted, Phase::Tls);
}

#[tokio::test]
async fn a_receiver_that_demands_a_client_certificate_says_so_with_either_version() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = authority.demanding(authority.valid(&[NAME]), &[version]);
        let (outcome, receiver) = meet_tls(&authority, server).await;
        assert_unsent(&outcome, ErrorClass::TlsClientAuth, Phase::Tls);
        assert_eq!(receiver.requests(), 0);
    }
}

/// Replies in place of a TLS handshake.
async fn meet_no_tls(reply: Reply, timeout: Duration) -> Outcome {
    let receiver = Receiver::setup().reading_nothing().start(move |_| reply.clone()).await;
    let url = receiver.url().replace("http://", "https://");
    sender().send(&Connections::default(), &signed(&url), timeout).await
}

#[tokio::test]
async fn what_is_no_handshake_is_a_protocol_failure_of_tls() {
    for reply in [
        Reply::raw("HTTP/1.1 400 Bad Request\r\n\r\n"),
        Reply::raw("\u{7f}garbage".repeat(100)),
        Reply::raw(&[0x16, 0x03, 0x03, 0xff, 0xff][..]).then("x".repeat(70_000)),
        // A fatal alert: protocol version.
        Reply::raw(&[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46][..]),
        // A fatal alert: handshake failure.
        Reply::raw(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28][..]),
        Reply::close(),
        Reply::reset(),
    ] {
        let outcome = meet_no_tls(reply.then_close(), AMPLE).await;
        assert_unsent(&outcome, ErrorClass::TlsProtocol, Phase::Tls);
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_times_out() {
    assert_unsent(&meet_no_tls(Reply::hang(), SHORT).await, ErrorClass::Timeout, Phase::Tls);
    let drip = Reply::drip(vec![0x16; 1000], Duration::from_millis(50));
    let outcome = meet_no_tls(drip, SHORT).await;
    assert_eq!(outcome.failure.map(|failure| failure.phase), Some(Some(Phase::Tls)));
}

#[tokio::test]
async fn a_tls_receiver_that_hangs_or_closes_may_have_processed_it() {
    let authority = Authority::new();
    let hang = Receiver::start_tls(authority.valid(&[NAME]).server(), |_| Reply::hang()).await;
    let outcome = trusting(&authority).send(&Connections::default(), &signed(&hang.url_under(NAME)), SHORT).await;
    assert_ambiguous(&outcome, ErrorClass::Timeout, Phase::Head);
    for reply in [Reply::close(), Reply::reset()] {
        let receiver = Receiver::start_tls(authority.valid(&[NAME]).server(), move |_| reply.clone()).await;
        let request = signed(&receiver.url_under(NAME));
        let outcome = trusting(&authority).send(&Connections::default(), &request, AMPLE).await;
        assert_ambiguous(&outcome, ErrorClass::Reset, Phase::Head);
    }
}

#[tokio::test]
async fn floods_end_at_the_budget_under_tls_too() {
    let authority = Authority::new();
    let flood = Reply::flood("HTTP/1.1 100 Continue\r\n\r\n".repeat(100));
    let receiver = Receiver::start_tls(authority.valid(&[NAME]).server(), move |_| flood.clone()).await;
    let request = signed(&receiver.url_under(NAME));
    let outcome = trusting(&authority).send(&Connections::default(), &request, AMPLE).await;
    assert_ambiguous(&outcome, ErrorClass::TooLarge, Phase::Head);
}

#[tokio::test]
async fn tls_connections_are_used_again() {
    let authority = Authority::new();
    let receiver = Receiver::start_tls(authority.valid(&[NAME]).server(), |_| Reply::status(204)).await;
    let (sender, pool) = (trusting(&authority), Connections::default());
    for _ in 0..3 {
        assert_delivered(&sender.send(&pool, &signed(&receiver.url_under(NAME)), AMPLE).await, 204);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(receiver.connections(), 1);
}

fn with_identity(url: &str, tls: ClientTls) -> Signed {
    Signed { identity: Some(Arc::new(tls.identity().unwrap())), ..signed(url) }
}

fn client(identity: &Identity) -> ClientTls {
    let (certificate, key) = identity.pem();
    let (client_certificate, client_key) = (Some(certificate.to_owned()), Some(key.to_owned()));
    ClientTls { client_certificate, client_key, ca: None }
}

#[tokio::test]
async fn a_receiver_that_demands_a_client_certificate_gets_the_endpoints_own_with_either_version() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = authority.demanding(authority.valid(&[NAME]), &[version]);
        let receiver = Receiver::start_tls(server, |_| Reply::status(204)).await;
        let url = receiver.url_under(NAME);
        let send = async |request: Signed| trusting(&authority).send(&Connections::default(), &request, AMPLE).await;
        let right = authority.for_clients_only(&["client"]);
        assert_delivered(&send(with_identity(&url, client(&right))).await, 204);
        // One of somebody else's, and one that is over.
        for wrong in [Authority::new().valid(&["client"]), authority.expired(&["client"])] {
            let outcome = send(with_identity(&url, client(&wrong))).await;
            assert_unsent(&outcome, ErrorClass::TlsClientAuth, Phase::Tls);
        }
        assert_eq!(receiver.requests(), 1);
    }
}

#[tokio::test]
async fn no_connection_serves_another_identity_not_even_of_one_lane() {
    let authority = Authority::new();
    let server = authority.demanding(authority.valid(&[NAME]), &VERSIONS);
    let receiver = Receiver::start_tls(server, |_| Reply::status(204)).await;
    let (sender, pool, url) = (trusting(&authority), Connections::default(), receiver.url_under(NAME));
    let (one, other) = (authority.valid(&["one"]), authority.valid(&["other"]));
    let stranger = Authority::new().valid(&["stranger"]);
    for (identity, connections) in [(&one, 1), (&one, 1), (&other, 2), (&one, 2)] {
        let outcome = sender.send(&pool, &with_identity(&url, client(identity)), AMPLE).await;
        assert_delivered(&outcome, 204);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(receiver.connections(), connections);
    }
    for request in [with_identity(&url, client(&stranger)), signed(&url)] {
        assert_unsent(&sender.send(&pool, &request, AMPLE).await, ErrorClass::TlsClientAuth, Phase::Tls);
    }
    assert_eq!(receiver.requests(), 4);
}

#[tokio::test]
async fn authorities_of_an_endpoint_are_trusted_for_it_alone_and_beside_those_of_everyone() {
    let (everyones, its) = (Authority::new(), Authority::new());
    let sender = trusting(&everyones);
    let pool = Connections::default();
    let own = ClientTls { client_certificate: None, client_key: None, ca: Some(its.pem()) };
    let receiver = Receiver::start_tls(its.valid(&[NAME]).server(), |_| Reply::status(204)).await;
    let url = receiver.url_under(NAME);
    assert_delivered(&sender.send(&pool, &with_identity(&url, own.clone()), AMPLE).await, 204);
    assert_unsent(&sender.send(&pool, &signed(&url), AMPLE).await, ErrorClass::TlsUntrusted, Phase::Tls);
    let public = Receiver::start_tls(everyones.valid(&[NAME]).server(), |_| Reply::status(204)).await;
    let request = with_identity(&public.url_under(NAME), own);
    assert_delivered(&sender.send(&pool, &request, AMPLE).await, 204);
}
