//! Every published or vendor-documented vector, and what the whole request looks like.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::*;
use crate::{
    delivery::Marks,
    egress::Egress,
    endpoint::{
        Credentials, Custom, Digest, Encoding, KeyFormat, Method, Retry, Scheme, Secret, TargetUrl,
        bounds::BESIDE_BODY_MAX,
    },
    id::EventId,
};

const BODY_A: &str = r#"{"test": 2432232314}"#;
const SECRET_A: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID_A: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIME_A: i64 = 1_614_265_330;
const WHSK: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

fn credentials(secrets: &[&str]) -> Credentials {
    let secrets = secrets.iter().map(|text| Secret::lasting((*text).to_owned())).collect();
    Credentials { secrets, ..Credentials::default() }
}

fn signed(scheme: &Scheme, credentials: &Credentials, id: &str, seconds: i64, body: &str) -> BTreeMap<String, String> {
    let signer = Signer::new(scheme, credentials).unwrap().unwrap();
    let now = Timestamp::from_millis(seconds * 1_000);
    let facts = Facts { id, method: Method::Post, url: "https://example.com/hook", body: body.as_bytes(), now };
    let mut headers = Headers::new();
    signer.sign(&facts, &mut headers).unwrap();
    let headers = headers.finish().unwrap();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned())).collect()
}

/// Whether a scheme signs this.
fn can_sign(signer: &Signer, facts: &Facts<'_>) -> Result<(), Unsignable> {
    signer.sign(facts, &mut Headers::new())
}

fn one(scheme: &Scheme, secret: &str, seconds: i64, body: &str, header: &str) -> String {
    signed(scheme, &credentials(&[secret]), ID_A, seconds, body).remove(header).unwrap()
}

#[test]
fn svix_and_standard_decode_the_secret() {
    let svix = signed(&Scheme::Svix, &credentials(&[SECRET_A]), ID_A, TIME_A, BODY_A);
    assert_eq!(svix["svix-id"], ID_A);
    assert_eq!(svix["svix-timestamp"], "1614265330");
    assert_eq!(svix["svix-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_ne!(svix["svix-signature"], "v1,TcxlhK9b6UD6iVI1ZU2tTqp8PEVfYRseNNfa6b+LcUg=", "the literal text as key");
    let standard = signed(&Scheme::Standard, &credentials(&[SECRET_A]), ID_A, TIME_A, BODY_A);
    assert_eq!(standard.into_values().collect::<Vec<_>>(), svix.into_values().collect::<Vec<_>>());
    let retried = one(&Scheme::Svix, SECRET_A, TIME_A + 5, BODY_A, "svix-signature");
    assert_eq!(retried, "v1,IFrHNvFdSlxTmO/uOkpKdCwyVAkNxveF9T56NbTULfE=");
}

#[test]
fn standard_signs_its_second_published_vector() {
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    let credentials = credentials(&["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]);
    let headers = signed(&Scheme::Standard, &credentials, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
    assert_eq!(headers["webhook-signature"], "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[test]
fn ed25519_stands_beside_the_hmac() {
    let mut credentials = credentials(&[SECRET_A]);
    credentials.signing_keys = vec![Secret::lasting(WHSK.to_owned())];
    let headers = signed(&Scheme::StandardEd25519, &credentials, ID_A, TIME_A, BODY_A);
    assert_eq!(
        headers["webhook-signature"],
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= \
         v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    );
    assert_eq!(credentials.public_key().unwrap(), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
}

#[test]
fn levrage_keys_with_the_literal_text() {
    let body = r#"{"event":"CALL_ENDED","timestamp":"2025-01-15T10:30:00Z","data":{"session_id":"call_uuid"}}"#;
    let signature = one(&Scheme::Levrage, "whsec_your_secret_key", TIME_A, body, "x-levrage-signature");
    assert_eq!(signature, "e8dccfcc9a98446ef2ca1e0fd4175c3cec8842f0bc973528761166c467bc3dfb");
    assert_ne!(signature, "833488453c09939cf95d74dfdad5a5a25db73b96c028474955ee0a17d198632c", "without the prefix");
}

#[test]
fn synthflow_signs_the_calls_id_alone() {
    let expected = "lk11Syh7yxI9VT73OA5qWHCFqgb8i7wFVReB41f9+HA=";
    for body in [
        r#"{"call":{"call_id":"1711646262471x768387119913843100"}}"#,
        r#"{"status":"completed", "call": {"status":"x", "call_id" : "1711646262471x768387119913843100"}}"#,
    ] {
        assert_eq!(one(&Scheme::Synthflow, "synthflow_secret", TIME_A, body, "http_synthflow_signature"), expected);
    }
}

#[test]
fn synthflow_without_a_call_id_is_unroutable() {
    let signer = Signer::new(&Scheme::Synthflow, &credentials(&["synthflow_secret"])).unwrap().unwrap();
    let pointer = || "/call/call_id".to_owned();
    for (body, why) in [
        (r#"{"call":{}}"#, Unsignable::MissingPointer(pointer())),
        ("[]", Unsignable::MissingPointer(pointer())),
        ("not json", Unsignable::NotJson(pointer())),
        ("", Unsignable::NotJson(pointer())),
        (r#"{"call":{"call_id":"\ud800"}}"#, Unsignable::NotText(pointer())),
    ] {
        let (method, now) = (Method::Post, Timestamp::from_millis(0));
        let facts = Facts { id: "x", method, url: "u", body: body.as_bytes(), now };
        assert_eq!(can_sign(&signer, &facts), Err(why), "{body}");
    }
}

#[test]
fn retell_signs_body_and_milliseconds() {
    assert_eq!(
        one(&Scheme::Retell, "key_retell_example", TIME_A, BODY_A, "x-retell-signature"),
        "v=1614265330000,d=4c9205a8e3c0c0e47b91c00942933a4c69c158de666e69eaebc45d0df304fd4e"
    );
}

#[test]
fn elevenlabs_signs_seconds_and_body() {
    assert_eq!(
        one(&Scheme::Elevenlabs, "wsec_elevenlabs_example", TIME_A, BODY_A, "elevenlabs-signature"),
        "t=1614265330,v0=d28ede368b5a79182cb8f5573a1abd21333bc8cc7957ea4e21f72af5d79ab1e4"
    );
}

#[test]
fn plain_hex_and_github_sign_the_body() {
    let hex = "9ac4d57f4702c0cd8c19eb8880a3db18acc06dcff5ee83e44bad7fd52566f20d";
    assert_eq!(one(&Scheme::PlainHex, "bland_secret", TIME_A, BODY_A, "x-webhook-signature"), hex);
    let github = one(&Scheme::Github, "bland_secret", TIME_A, BODY_A, "x-hub-signature-256");
    assert_eq!(github, format!("sha256={hex}"));
}

#[test]
fn a_custom_scheme_is_the_same_data() {
    let custom = Scheme::Custom(Custom {
        key_format: KeyFormat::Whsec,
        message: "{id}.{timestamp}.{body}".to_owned(),
        digest: Digest::Sha256,
        encoding: Encoding::Base64,
        headers: BTreeMap::from([("X-Sig".to_owned(), "{{{timestamp}}} v1={signature}".to_owned())]),
    });
    assert_eq!(
        one(&custom, SECRET_A, TIME_A, BODY_A, "x-sig"),
        "{1614265330} v1=g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

#[test]
fn digests_and_encodings_give_known_values() {
    // RFC 2202 and RFC 4231, second test case each.
    let sign = |digest, encoding| {
        let scheme = Scheme::Custom(Custom {
            key_format: KeyFormat::Utf8,
            message: "{body}".to_owned(),
            digest,
            encoding,
            headers: BTreeMap::from([("s".to_owned(), "{signature}".to_owned())]),
        });
        one(&scheme, "Jefe", 0, "what do ya want for nothing?", "s")
    };
    assert_eq!(sign(Digest::Sha1, Encoding::Hex), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_eq!(sign(Digest::Sha1, Encoding::Base64), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
    assert_eq!(sign(Digest::Sha1, Encoding::Base64url), "7_zfauXrL6LSdBbV8YTfnCWafHk");
    assert!(sign(Digest::Sha256, Encoding::Hex).starts_with("5bdcc146bf60754e6a042426089575c7"));
    assert!(sign(Digest::Sha512, Encoding::Hex).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
}

#[test]
fn schemes_with_a_list_sign_with_every_active_secret() {
    let both = credentials(&[SECRET_A, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]);
    let headers = signed(&Scheme::Standard, &both, ID_A, TIME_A, BODY_A);
    let items: Vec<_> = headers["webhook-signature"].split(' ').collect();
    assert_eq!(items[0], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!((items.len(), &items[1][..3]), (2, "v1,"));
    let headers = signed(&Scheme::Elevenlabs, &credentials(&["wsec_elevenlabs_example", "old"]), ID_A, TIME_A, BODY_A);
    let value = &headers["elevenlabs-signature"];
    let current = "t=1614265330,v0=d28ede368b5a79182cb8f5573a1abd21333bc8cc7957ea4e21f72af5d79ab1e4,v0=";
    assert!(value.starts_with(current) && value.len() == current.len() + 64, "{value}");
}

#[test]
fn schemes_without_a_list_sign_with_the_current_secret_alone() {
    let hex = "9ac4d57f4702c0cd8c19eb8880a3db18acc06dcff5ee83e44bad7fd52566f20d";
    let both = credentials(&["bland_secret", "old"]);
    assert_eq!(signed(&Scheme::PlainHex, &both, ID_A, TIME_A, BODY_A)["x-webhook-signature"], hex);
}

#[test]
fn a_secret_takes_over_at_its_time() {
    let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
    let mut switching = credentials(&["new", "bland_secret"]);
    switching.secrets[0].not_before = Some(at(TIME_A + 1));
    switching.secrets[1].until = Some(at(TIME_A + 1));
    let before = signed(&Scheme::PlainHex, &switching, ID_A, TIME_A, BODY_A);
    let after = signed(&Scheme::PlainHex, &switching, ID_A, TIME_A + 1, BODY_A);
    assert_eq!(before, signed(&Scheme::PlainHex, &credentials(&["bland_secret"]), ID_A, TIME_A, BODY_A));
    assert_eq!(after, signed(&Scheme::PlainHex, &credentials(&["new"]), ID_A, TIME_A, BODY_A));
    switching.secrets.remove(0);
    let signer = Signer::new(&Scheme::PlainHex, &switching).unwrap().unwrap();
    let facts = Facts { id: "x", method: Method::Post, url: "u", body: b"", now: at(TIME_A + 1) };
    assert_eq!(can_sign(&signer, &facts), Err(Unsignable::NoActiveSecret));
}

#[test]
fn without_a_secret_levrage_and_none_sign_nothing_and_others_do_not_start() {
    for scheme in Scheme::BUILT_IN {
        let made = Signer::new(&scheme, &Credentials::default());
        match scheme {
            Scheme::Levrage | Scheme::None => assert!(made.unwrap().is_none(), "{scheme:?}"),
            _ => assert_eq!(made.unwrap_err().findings[0].pointer, "/secret", "{scheme:?}"),
        }
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

fn target(scheme: Scheme, credentials: Credentials) -> Target {
    let (url, _) = TargetUrl::parse("https://example.com/hook", &Egress::default()).unwrap();
    Target::new(url, scheme, Arc::new(credentials), Duration::from_secs(10), Retry::default()).unwrap()
}

fn composed(target: &Target, marks: Marks) -> Signed {
    composed_with(target, marks, BODY_A)
}

fn composed_with(target: &Target, marks: Marks, body: &'static str) -> Signed {
    let (event, body) = (event(), Bytes::from_static(body.as_bytes()));
    let now = Timestamp::from_millis(TIME_A * 1_000);
    let own = OwnNames::behind("ringback-").unwrap();
    compose(target, &Message { event: &event, body: &body, attempt: 2, marks, now }, &own).unwrap()
}

#[test]
fn a_payload_is_looked_at_once_for_each_key_and_each_step_to_a_value() {
    let looked_at = |scheme, credentials| effort(&target(scheme, credentials), 1_000);
    assert_eq!(looked_at(Scheme::None, credentials(&[])), 0);
    assert_eq!(looked_at(Scheme::PlainHex, credentials(&["s"])), 1_000);
    assert_eq!(looked_at(Scheme::Standard, credentials(&[SECRET_A, SECRET_A])), 2_000);
    let signing_keys = vec![Secret::lasting(WHSK.to_owned()); 2];
    let with_ed25519 = Credentials { signing_keys, ..credentials(&[SECRET_A]) };
    assert_eq!(looked_at(Scheme::StandardEd25519, with_ed25519), 3_000);
    // The whole, `call` and `call_id`, and the key.
    assert_eq!(looked_at(Scheme::Synthflow, credentials(&["s"])), 4_000);
}

#[test]
fn the_head_of_a_request_is_counted_to_the_byte() {
    let checked = |bytes: usize| {
        let mut headers = Headers::new();
        headers.fixed(ACCEPT_ENCODING, "identity");
        let beside = "accept-encoding: identity\r\n".len() + "x-a: \r\n".len();
        headers.open(HeaderName::from_static("x-a"), |out| out.push_str(&"v".repeat(bytes - beside)));
        headers.finish().map(drop)
    };
    assert_eq!(checked(HEAD_BYTES_MAX), Ok(()));
    assert_eq!(checked(HEAD_BYTES_MAX + 1), Err(Unsignable::Head(HEAD_BYTES_MAX + 1)));
    assert_eq!(checked(HEAD_BYTES_MAX + 2), Err(Unsignable::Head(HEAD_BYTES_MAX + 2)));
}

#[test]
fn what_is_signed_beside_the_payload_is_counted_to_the_byte() {
    let scheme = Scheme::Custom(Custom {
        key_format: KeyFormat::Utf8,
        message: "{json:/a}{json:/b}.{body}".to_owned(),
        digest: Digest::Sha256,
        encoding: Encoding::Hex,
        headers: BTreeMap::from([("x-sig".to_owned(), "{signature}".to_owned())]),
    });
    let signer = Signer::new(&scheme, &credentials(&["s"])).unwrap().unwrap();
    let signed = |a: usize, b: usize| {
        let body = format!(r#"{{"a":"{}","b":"{}"}}"#, "x".repeat(a), "x".repeat(b));
        let (method, now) = (Method::Post, Timestamp::default());
        can_sign(&signer, &Facts { id: "x", method, url: "u", body: body.as_bytes(), now })
    };
    assert_eq!(signed(BESIDE_BODY_MAX - 11, 10), Ok(()), "the payload itself is longer");
    assert!(matches!(signed(BESIDE_BODY_MAX - 10, 10), Err(Unsignable::Message(_))));
    assert!(matches!(signed(BESIDE_BODY_MAX, 10), Err(Unsignable::Message(_))));
}

fn shows(signed: &Signed, name: &str, value: &str) -> bool {
    signed.shown().any(|shown| shown == (name, value))
}

#[test]
fn a_request_carries_exactly_what_the_contract_lists() {
    let target = target(Scheme::Standard, credentials(&[SECRET_A]));
    let signed = composed(&target, Marks::default());
    let id = "evt_01946a2b000070008000000000000000";
    let expected = [
        ("content-type", "application/json".to_owned()),
        ("accept-encoding", "identity".to_owned()),
        ("user-agent", concat!("Ringback/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-signature", signed.headers["webhook-signature"].to_str().unwrap().to_owned()),
        ("webhook-timestamp", "1614265330".to_owned()),
        ("ringback-id", id.to_owned()),
        ("ringback-event-type", "CALL_ENDED".to_owned()),
        ("ringback-event-time", "2025-01-15T10:30:00.5Z".to_owned()),
        ("ringback-attempt", "2".to_owned()),
    ];
    let shown: Vec<_> = signed.shown().map(|(name, value)| (name, value.to_owned())).collect();
    assert_eq!(shown, expected);
    assert_eq!(signed.headers.len(), expected.len());
    assert_eq!((signed.url.as_str(), &signed.body[..]), ("https://example.com/hook", BODY_A.as_bytes()));
}

#[test]
fn the_span_is_told_unless_the_caller_has_set_its_header() {
    let step = Step::of(&event());
    let [(name, span), _] = step.headers();
    let plain = composed(&target(Scheme::None, credentials(&[])), Marks::default()).in_trace(&step).unwrap();
    assert!(shows(&plain, name, &span.unwrap()));
    let headers = BTreeMap::from([(name.to_owned(), "the caller's".to_owned())]);
    let own = Credentials { headers, ..credentials(&[]) };
    let own = composed(&target(Scheme::None, own), Marks::default()).in_trace(&step).unwrap();
    assert_eq!(own.headers[name], "the caller's");
}

#[test]
fn every_scheme_carries_the_events_id() {
    let signing_keys = vec![Secret::lasting(WHSK.to_owned())];
    for scheme in Scheme::BUILT_IN {
        let credentials = Credentials { signing_keys: signing_keys.clone(), ..credentials(&[SECRET_A]) };
        let signed =
            composed_with(&target(scheme.clone(), credentials), Marks::default(), r#"{"call":{"call_id":"1"}}"#);
        assert_eq!(signed.headers["ringback-id"], "evt_01946a2b000070008000000000000000", "{scheme:?}");
    }
}

#[test]
fn tests_and_replays_are_marked_by_header_only() {
    let target = target(Scheme::None, Credentials::default());
    let plain = composed(&target, Marks::default());
    let marked = composed(&target, Marks { test: true, replay: true, delivered_before: true });
    assert_eq!(marked.headers["ringback-test"], "1");
    assert_eq!(marked.headers["ringback-replay"], "1");
    assert_eq!(marked.headers.len(), plain.headers.len() + 2);
    assert_eq!(marked.body, plain.body);
}

#[test]
fn extra_headers_are_filled_in_and_shown_masked() {
    let mut credentials = credentials(&[]);
    credentials.headers = BTreeMap::from([
        ("X-Event".to_owned(), "{type}/{id} {{{tenant}}}".to_owned()),
        ("x-when".to_owned(), "{occurred_at}#{attempt}".to_owned()),
    ]);
    let signed = composed(&target(Scheme::None, credentials), Marks::default());
    assert_eq!(signed.headers["x-event"], "CALL_ENDED/evt_01946a2b000070008000000000000000 {acme}");
    assert_eq!(signed.headers["x-when"], "2025-01-15T10:30:00.5Z#2");
    assert!(shows(&signed, "x-event", "***"));
}

#[test]
fn a_callers_header_never_replaces_another() {
    let mut credentials = credentials(&["s"]);
    credentials.headers = ["X-Webhook-Signature", "ringback-attempt", "content-type", "authorization"]
        .map(|name| (name.to_owned(), "mine".to_owned()))
        .into();
    credentials.auth = Some(Auth::Bearer { token: "t".to_owned() });
    let signed = composed(&target(Scheme::PlainHex, credentials), Marks::default());
    let mine: Vec<_> = signed.headers.iter().filter(|(_, value)| *value == "mine").map(|(name, _)| name).collect();
    assert_eq!(mine, ["authorization"]);
    assert_eq!(signed.shown().count(), signed.headers.len());
}

#[test]
fn auth_stands_beside_the_signature_and_is_shown_masked() {
    let bearer = Auth::Bearer { token: "t0ken".to_owned() };
    let basic = Auth::Basic { username: "Aladdin".to_owned(), password: "open sesame".to_owned() };
    let key = Auth::ApiKey { header: "X-Api-Key".to_owned(), value: "{t0ken}".to_owned() };
    for (auth, name, value) in [
        (bearer, "authorization", "Bearer t0ken"),
        (basic, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (key, "x-api-key", "{t0ken}"),
    ] {
        let mut credentials = credentials(&["s"]);
        credentials.auth = Some(auth);
        let signed = composed(&target(Scheme::PlainHex, credentials), Marks::default());
        assert_eq!(signed.headers[name], value);
        assert!(signed.headers.contains_key("x-webhook-signature"));
        assert!(shows(&signed, name, "***"));
        assert!(!format!("{signed:?}").contains("t0ken"), "{signed:?}");
    }
}

#[test]
fn debug_of_a_target_shows_no_secret() {
    let mut credentials = credentials(&["hidden-1"]);
    credentials.headers = BTreeMap::from([("x-a".to_owned(), "hidden-2".to_owned())]);
    credentials.auth = Some(Auth::Bearer { token: "hidden-3".to_owned() });
    let shown = format!("{:?}", target(Scheme::PlainHex, credentials));
    assert!(!shown.contains("hidden"), "{shown}");
}

#[test]
fn debug_of_a_signer_tells_how_many_keys_it_has() {
    let signer = Signer::new(&Scheme::PlainHex, &credentials(&["hidden-1", "hidden-2"])).unwrap().unwrap();
    assert_eq!(format!("{signer:?}"), "Signer(*** 2 keys)");
}
