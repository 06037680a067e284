//! Header names on the wire, read from the bytes that arrived.

use std::collections::BTreeMap;

use ringback::{
    deliver::sign::{Message, OwnNames, compose},
    delivery::Marks,
    endpoint::{Auth, Credentials, Custom, Digest, Encoding, KeyFormat, Retry, Scheme, Secret, Target, TargetUrl},
    event::Event,
    id::EventId,
    time::Timestamp,
};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &[u8] = br#"{"call":{"call_id":"1"}}"#;

/// What each vendor's document calls its headers.
fn documented(scheme: &Scheme) -> &'static [&'static str] {
    match scheme {
        Scheme::Standard | Scheme::StandardEd25519 => &["webhook-id", "webhook-timestamp", "webhook-signature"],
        Scheme::Svix => &["svix-id", "svix-timestamp", "svix-signature"],
        Scheme::Levrage => &["X-Levrage-Signature"],
        Scheme::Synthflow => &["HTTP_SYNTHFLOW_SIGNATURE"],
        Scheme::Retell => &["x-retell-signature"],
        Scheme::Elevenlabs => &["ElevenLabs-Signature"],
        Scheme::Github => &["X-Hub-Signature-256"],
        Scheme::PlainHex => &["X-Webhook-Signature"],
        Scheme::None => &[],
        Scheme::Custom(_) => &["X-ACME-sig", "x-acme-Time"],
    }
}

fn event() -> Event {
    Event {
        id: EventId::from_uuid(uuid::Uuid::from_u128(0x0194_6a2b_0000_7000_8000_0000_0000_0000)),
        seq: 1,
        tenant: "acme".to_owned(),
        event_type: "CALL_ENDED".to_owned(),
        key: None,
        ordering_key: None,
        idempotency_key: None,
        occurred_at: Timestamp::from_micros(1_736_937_000_500_000),
        endpoint_keys: None,
        destination: None,
        trace: None,
        schedule: Default::default(),
        metadata: None,
        test: false,
        unreadable: None,
    }
}

fn credentials() -> Credentials {
    Credentials {
        secrets: vec![Secret::lasting(SECRET.to_owned())],
        signing_keys: vec![Secret::lasting(
            "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==".to_owned(),
        )],
        ..Credentials::default()
    }
}

/// The names in the head that arrived, in order, for a destination with these credentials.
async fn arrived(scheme: Scheme, credentials: Credentials, prefix: &str) -> Vec<String> {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let (url, _) = TargetUrl::parse(&receiver.url(), &egress(&["127.0.0.0/8"])).unwrap();
    let target = Target::new(url, scheme, Arc::new(credentials), AMPLE, Retry::default()).unwrap();
    let own = OwnNames::behind(prefix).unwrap();
    let (event, body) = (event(), Bytes::from_static(BODY));
    let mut heads = Vec::new();
    let pool = Connections::default();
    let sender = sender();
    // Twice over one connection: the spelling is that of every request.
    for attempt in 1..=2 {
        let message = Message { event: &event, body: &body, attempt, marks: Marks::default(), now: Timestamp::now() };
        let signed = compose(&target, &message, &own).unwrap();
        assert_delivered(&sender.send(&pool, &signed, AMPLE).await, 204);
        let received = receiver.next().await;
        let head = String::from_utf8(received.head.to_vec()).unwrap();
        heads
            .push(head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect::<Vec<_>>());
    }
    assert_eq!(heads[0], heads[1]);
    heads.remove(0)
}

/// What every request carries, whatever its scheme, for a prefix.
fn always(prefix: &str) -> Vec<String> {
    let own = ["id", "event-type", "event-time", "attempt"].map(|name| format!("{prefix}{name}"));
    let framing = ["host", "content-type", "accept-encoding", "user-agent", "content-length"].map(str::to_owned);
    framing.into_iter().chain(own).collect()
}

#[track_caller]
fn assert_same_names(mut arrived: Vec<String>, expected: impl IntoIterator<Item = String>, what: &str) {
    let mut expected: Vec<_> = expected.into_iter().collect();
    arrived.sort();
    expected.sort();
    assert_eq!(arrived, expected, "{what}");
}

#[tokio::test]
async fn every_scheme_spells_its_headers_as_its_document_does() {
    let custom = Scheme::Custom(Custom {
        key_format: KeyFormat::Utf8,
        message: "{id}.{body}".to_owned(),
        digest: Digest::Sha256,
        encoding: Encoding::Hex,
        headers: BTreeMap::from([
            ("X-ACME-sig".to_owned(), "{signature}".to_owned()),
            ("x-acme-Time".to_owned(), "{timestamp}".to_owned()),
        ]),
    });
    for scheme in Scheme::BUILT_IN.into_iter().chain([custom]) {
        let documented = documented(&scheme).iter().map(ToString::to_string);
        let expected: Vec<_> = always("ringback-").into_iter().chain(documented).collect();
        let name = scheme.name();
        assert_same_names(arrived(scheme, credentials(), "ringback-").await, expected, name);
    }
}

#[tokio::test]
async fn callers_headers_are_spelled_as_they_were_given() {
    let headers = ["X-Api-Version", "x-lower", "UPPER", "mIxEd_1"];
    let mut credentials = credentials();
    credentials.headers = headers.map(|name| (name.to_owned(), "{id}".to_owned())).into();
    // hyper writes an empty value in a way of its own; the request's length must be known all the same.
    credentials.headers.insert("X-Empty".to_owned(), String::new());
    credentials.auth = Some(Auth::ApiKey { header: "X-Api-Key".to_owned(), value: "v".to_owned() });
    let given = headers.into_iter().chain(["X-Empty", "X-Api-Key"]).map(str::to_owned);
    let expected: Vec<_> = always("ringback-").into_iter().chain(given).collect();
    assert_same_names(arrived(Scheme::None, credentials, "ringback-").await, expected, "headers and api_key");
}

#[tokio::test]
async fn the_prefix_is_spelled_as_it_was_configured() {
    for prefix in ["X-Acme-", "acme_", ""] {
        let found = arrived(Scheme::None, credentials(), prefix).await;
        assert_same_names(found, always(prefix), prefix);
    }
}

#[tokio::test]
async fn authorization_is_spelled_as_http_names_it() {
    let bearer = Auth::Bearer { token: "t".to_owned() };
    let basic = Auth::Basic { username: "u".to_owned(), password: "p".to_owned() };
    for auth in [bearer, basic] {
        let credentials = Credentials { auth: Some(auth), ..credentials() };
        let found = arrived(Scheme::None, credentials, "ringback-").await;
        assert_same_names(found, always("ringback-").into_iter().chain(["Authorization".to_owned()]), "auth");
    }
}

#[tokio::test]
async fn a_receiver_that_reads_nothing_is_told_from_one_that_does_not_answer() {
    let receiver = Receiver::start(|_| Reply::hang()).await;
    let (url, _) = TargetUrl::parse(&receiver.url(), &egress(&["127.0.0.0/8"])).unwrap();
    let mut credentials = credentials();
    credentials.headers.insert("X-Empty".to_owned(), String::new());
    let target = Target::new(url, Scheme::Levrage, Arc::new(credentials), SHORT, Retry::default()).unwrap();
    let (event, body) = (event(), Bytes::from_static(BODY));
    let message = Message { event: &event, body: &body, attempt: 1, marks: Marks::default(), now: Timestamp::now() };
    let signed = compose(&target, &message, &OwnNames::behind("ringback-").unwrap()).unwrap();
    let outcome = sender().send(&Connections::default(), &signed, SHORT).await;
    assert_ambiguous(&outcome, ErrorClass::Timeout, Phase::Head);
}
