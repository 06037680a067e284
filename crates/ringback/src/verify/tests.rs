//! The vectors of the vendors' documents, and every mistake that is known to be made with them.

use super::*;

const NOW: i64 = 1_614_265_330;
const BODY: &str = r#"{"test": 2432232314}"#;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SVIX: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const LEVRAGE_BODY: &str =
    r#"{"event":"CALL_ENDED","timestamp":"2025-01-15T10:30:00Z","data":{"session_id":"call_uuid"}}"#;
const LEVRAGE: &str = "e8dccfcc9a98446ef2ca1e0fd4175c3cec8842f0bc973528761166c467bc3dfb";
const HEX: &str = "9ac4d57f4702c0cd8c19eb8880a3db18acc06dcff5ee83e44bad7fd52566f20d";

fn request(headers: &[(&str, &str)], body: &str) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { method: Method::Post, headers, body: body.as_bytes().to_vec() }
}

fn svix(signature: &str, body: &str) -> Request {
    let headers =
        [("Svix-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("Svix-Timestamp", "1614265330"), ("Svix-Signature", signature)];
    request(&headers, body)
}

fn expectation(scheme: &str, secrets: &[&str]) -> Expectation {
    Expectation {
        scheme: Scheme::named(scheme).unwrap(),
        secrets: secrets.iter().map(ToString::to_string).collect(),
        tolerance: Some(Duration::from_secs(300)),
        url: String::new(),
        id: None,
    }
}

/// The ingredients that differ, in order.
fn differs(scheme: &str, secrets: &[&str], request: &Request) -> Vec<Ingredient> {
    let report = expectation(scheme, secrets).judge(request, Timestamp::from_millis(NOW * 1_000));
    assert_eq!(report.verifies(), report.findings.is_empty(), "{report:?}");
    for finding in &report.findings {
        assert!(!secrets.iter().any(|secret| finding.detail.contains(secret)), "a secret is repeated: {finding}");
    }
    report.findings.into_iter().map(|finding| finding.ingredient).collect()
}

#[test]
fn every_documented_vector_verifies() {
    assert_eq!(differs("svix", &[SECRET], &svix(SVIX, BODY)), []);
    let standard = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", SVIX),
    ];
    assert_eq!(differs("standard", &[SECRET], &request(&standard, BODY)), []);
    let levrage = request(&[("X-Levrage-Signature", LEVRAGE)], LEVRAGE_BODY);
    assert_eq!(differs("levrage", &["whsec_your_secret_key"], &levrage), []);
    let call = r#"{"call":{"call_id":"1711646262471x768387119913843100"}}"#;
    let synthflow = request(&[("HTTP_SYNTHFLOW_SIGNATURE", "lk11Syh7yxI9VT73OA5qWHCFqgb8i7wFVReB41f9+HA=")], call);
    assert_eq!(differs("synthflow", &["synthflow_secret"], &synthflow), []);
    let retell = "v=1614265330000,d=4c9205a8e3c0c0e47b91c00942933a4c69c158de666e69eaebc45d0df304fd4e";
    assert_eq!(differs("retell", &["key_retell_example"], &request(&[("x-retell-signature", retell)], BODY)), []);
    let elevenlabs = "t=1614265330,v0=d28ede368b5a79182cb8f5573a1abd21333bc8cc7957ea4e21f72af5d79ab1e4";
    let elevenlabs = request(&[("ElevenLabs-Signature", elevenlabs)], BODY);
    assert_eq!(differs("elevenlabs", &["wsec_elevenlabs_example"], &elevenlabs), []);
    assert_eq!(differs("plain-hex", &["bland_secret"], &request(&[("x-webhook-signature", HEX)], BODY)), []);
    let github = format!("sha256={HEX}");
    assert_eq!(differs("github", &["bland_secret"], &request(&[("X-Hub-Signature-256", &github)], BODY)), []);
}

#[test]
fn a_list_verifies_by_any_entry_and_entries_of_other_versions_are_let_be() {
    assert_eq!(differs("svix", &[SECRET], &svix(&format!("v1,AAAA v2,{HEX} {SVIX}"), BODY)), []);
    let two = "t=1614265330,v0=00,v0=d28ede368b5a79182cb8f5573a1abd21333bc8cc7957ea4e21f72af5d79ab1e4";
    let two = request(&[("ElevenLabs-Signature", two)], BODY);
    assert_eq!(differs("elevenlabs", &["wsec_elevenlabs_example"], &two), []);
}

#[test]
fn a_public_key_checks_the_v1a_entry() {
    let both =
        format!("{SVIX} v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==");
    let headers = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", both.as_str()),
    ];
    let public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    assert_eq!(differs("standard-ed25519", &[public], &request(&headers, BODY)), []);
    assert_eq!(differs("standard-ed25519", &[SECRET], &request(&headers, BODY)), []);
    let newline = request(&headers, &format!("{BODY}\n"));
    assert_eq!(differs("standard-ed25519", &[public], &newline), [Ingredient::Body]);
    let other = "whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(differs("standard-ed25519", &[other], &request(&headers, BODY)), [Ingredient::Unknown]);
}

#[test]
fn a_key_decoded_where_it_is_literal_and_the_other_way_round_is_told() {
    let literal = svix("v1,TcxlhK9b6UD6iVI1ZU2tTqp8PEVfYRseNNfa6b+LcUg=", BODY);
    assert_eq!(differs("svix", &[SECRET], &literal), [Ingredient::KeyFormat]);
    let stripped = "833488453c09939cf95d74dfdad5a5a25db73b96c028474955ee0a17d198632c";
    let stripped = request(&[("x-levrage-signature", stripped)], LEVRAGE_BODY);
    assert_eq!(differs("levrage", &["whsec_your_secret_key"], &stripped), [Ingredient::KeyFormat]);
    let levrage = request(&[("x-levrage-signature", LEVRAGE)], LEVRAGE_BODY);
    assert_eq!(differs("levrage", &["whsec_your_secret_key\n"], &levrage), [Ingredient::KeyFormat]);
}

#[test]
fn the_other_secret_among_several_is_told() {
    assert_eq!(
        differs("svix", &["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", SECRET], &svix(SVIX, BODY)),
        [Ingredient::Secret]
    );
    let levrage = request(&[("x-levrage-signature", LEVRAGE)], LEVRAGE_BODY);
    let report = expectation("levrage", &["old", "older", "whsec_your_secret_key"]).judge(&levrage, Timestamp::now());
    assert!(report.findings[0].detail.contains("secret 3 of the 3"), "{report:?}");
}

#[test]
fn a_body_that_is_not_the_bytes_that_were_sent_is_told() {
    let levrage = |body: &str| request(&[("x-levrage-signature", LEVRAGE)], body);
    let key = ["whsec_your_secret_key"];
    let newline = format!("{LEVRAGE_BODY}\n");
    assert_eq!(differs("levrage", &key, &levrage(&newline)), [Ingredient::Body]);
    let pretty = LEVRAGE_BODY.replace(':', ": ").replace(',', ",\n  ").replace("T10: 30: 00", "T10:30:00");
    assert_eq!(differs("levrage", &key, &levrage(&pretty)), [Ingredient::Body]);
    let report = expectation("levrage", &key).judge(&levrage(&newline), Timestamp::now());
    assert!(report.findings[0].detail.contains("without the newline"), "{report:?}");
    // Parsed and written again without the space that was sent.
    assert_eq!(differs("svix", &[SECRET], &svix(SVIX, r#"{"test":2432232314}"#)), [Ingredient::Body]);
    assert_eq!(differs("levrage", &key, &levrage(r#"{"event":"CALL_STARTED"}"#)), [Ingredient::Unknown]);
}

#[test]
fn a_stale_timestamp_is_told_though_the_signature_fits() {
    let at = |seconds: i64| Timestamp::from_millis((NOW + seconds) * 1_000);
    let judge = |seconds| expectation("svix", &[SECRET]).judge(&svix(SVIX, BODY), at(seconds));
    for (seconds, fine) in [(300, true), (301, false), (-300, true), (-301, false)] {
        assert_eq!(judge(seconds).verifies(), fine, "{seconds}");
        assert!(judge(seconds).fits.is_some());
    }
    let lenient = Expectation { tolerance: None, ..expectation("svix", &[SECRET]) };
    assert!(lenient.judge(&svix(SVIX, BODY), at(1_000_000)).verifies());
}

#[test]
fn another_id_or_moment_than_the_one_signed_is_told() {
    let mut other = svix(SVIX, BODY);
    other.headers[0].1 = "msg_of_the_gateway".to_owned();
    assert_eq!(differs("svix", &[SECRET], &other), [Ingredient::Unknown]);
    other.headers.push(("x-request-id".to_owned(), "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()));
    assert_eq!(differs("svix", &[SECRET], &other), [Ingredient::Id]);
    other.headers.pop();
    let given = Expectation { id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()), ..expectation("svix", &[SECRET]) };
    let report = given.judge(&other, Timestamp::from_millis(NOW * 1_000));
    assert_eq!(report.findings[0].ingredient, Ingredient::Id);
    let mut late = svix(SVIX, BODY);
    late.headers[1].1 = "1614265331".to_owned();
    late.headers.push(("x-sent-at".to_owned(), "1614265330".to_owned()));
    assert_eq!(differs("svix", &[SECRET], &late), [Ingredient::Timestamp]);
}

#[test]
fn a_signature_in_another_spelling_is_told() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let base64 = STANDARD.encode(hex::decode(HEX).unwrap());
    let spelled =
        |text: &str| differs("plain-hex", &["bland_secret"], &request(&[("x-webhook-signature", text)], BODY));
    assert_eq!(spelled(&base64), [Ingredient::Encoding]);
    assert_eq!(spelled(&HEX.to_uppercase()), [Ingredient::Encoding]);
    let hex = hex::encode(STANDARD.decode(&SVIX[3..]).unwrap());
    assert_eq!(differs("svix", &[SECRET], &svix(&format!("v1,{hex}"), BODY)), [Ingredient::Encoding]);
    assert_eq!(differs("svix", &[SECRET], &svix(SVIX.trim_end_matches('='), BODY)), [Ingredient::Encoding]);
}

#[test]
fn a_header_in_another_form_or_of_another_scheme_is_told() {
    let prefixed = request(&[("x-webhook-signature", &format!("sha256={HEX}"))], BODY);
    assert_eq!(differs("github", &["bland_secret"], &prefixed), [Ingredient::Header]);
    let bare = request(&[("x-hub-signature-256", HEX)], BODY);
    assert_eq!(differs("github", &["bland_secret"], &bare), [Ingredient::Layout]);
    assert_eq!(differs("svix", &[SECRET], &svix(&SVIX[3..], BODY)), [Ingredient::Layout]);
    let report = expectation("levrage", &["s"]).judge(&svix(SVIX, BODY), Timestamp::now());
    assert!(report.findings[0].detail.contains("scheme svix"), "{report:?}");
    assert_eq!(differs("levrage", &["whsec_theirs"], &request(&[], BODY)), [Ingredient::Header]);
}

#[test]
fn another_message_than_the_schemes_is_told() {
    // Retell's own way under another name.
    let retell = "v=1614265330000,d=4c9205a8e3c0c0e47b91c00942933a4c69c158de666e69eaebc45d0df304fd4e";
    let signature = retell.split_once("d=").unwrap().1;
    let mixed = request(&[("ElevenLabs-Signature", &format!("t=1614265330,v0={signature}"))], BODY);
    assert_eq!(differs("elevenlabs", &["key_retell_example"], &mixed), [Ingredient::Message]);
}

#[test]
fn two_mistakes_at_once_are_both_told() {
    let literal = svix("v1,TcxlhK9b6UD6iVI1ZU2tTqp8PEVfYRseNNfa6b+LcUg=", &format!("{BODY}\r\n"));
    assert_eq!(differs("svix", &[SECRET], &literal), [Ingredient::KeyFormat, Ingredient::Body]);
}

#[test]
fn an_expectation_that_cannot_be_met_is_refused_beforehand() {
    assert!(expectation("none", &["s"]).check().unwrap_err().contains("none"));
    assert!(expectation("synthflow", &["s"]).check().is_ok());
    let mut custom = Scheme::Levrage.spelled_out().unwrap();
    custom.message = "{secret}".to_owned();
    let wrong = Expectation { scheme: Scheme::Custom(custom), ..expectation("levrage", &["s"]) };
    assert!(wrong.check().unwrap_err().contains("/message"));
}

#[test]
fn an_id_that_no_header_of_the_scheme_holds_is_the_one_that_every_request_carries() {
    let mut custom = Scheme::PlainHex.spelled_out().unwrap();
    custom.message = "{id}.{body}".to_owned();
    let facts = crate::deliver::sign::Facts {
        id: "evt_1",
        method: Method::Post,
        url: "",
        body: BODY.as_bytes(),
        now: Timestamp::default(),
    };
    let signature = crate::deliver::sign::parts::signature(&custom, "s", &facts).unwrap();
    let arrived = request(&[("X-Webhook-Signature", &signature), ("Ringback-Id", "evt_1")], BODY);
    let expectation = Expectation { scheme: Scheme::Custom(custom), ..expectation("plain-hex", &["s"]) };
    let report = expectation.judge(&arrived, Timestamp::now());
    assert!(report.verifies(), "{report:?}");
}

#[test]
fn a_scheme_that_signs_the_method_is_checked_with_the_requests_own() {
    let mut custom = Scheme::PlainHex.spelled_out().unwrap();
    custom.message = "{method} {url}\n{body}".to_owned();
    let (url, now) = ("https://example.com/hook", Timestamp::default());
    let facts = crate::deliver::sign::Facts { id: "", method: Method::Patch, url, body: BODY.as_bytes(), now };
    let signature = crate::deliver::sign::parts::signature(&custom, "s", &facts).unwrap();
    let expectation =
        Expectation { scheme: Scheme::Custom(custom), url: url.to_owned(), ..expectation("plain-hex", &["s"]) };
    for (method, verifies) in [(Method::Patch, true), (Method::Post, false)] {
        let arrived = Request { method, ..request(&[("X-Webhook-Signature", &signature)], BODY) };
        assert_eq!(expectation.judge(&arrived, Timestamp::now()).verifies(), verifies, "{method}");
    }
}

#[test]
fn a_strange_request_does_no_harm() {
    for header in ["", "v1,", "v1,\u{fffd}", ",,, = ; v1", &"v1,A ".repeat(2_000)] {
        let report = expectation("svix", &["", "whsec_", "\u{0}"]).judge(&svix(header, "{"), Timestamp::now());
        assert!(!report.verifies());
    }
}

#[test]
fn a_name_before_a_bare_signature_is_told() {
    let prefixed = format!("sha256={HEX}");
    let request = request(&[("x-webhook-signature", &prefixed)], BODY);
    assert_eq!(differs("plain-hex", &["bland_secret"], &request), [Ingredient::Layout]);
    let report = expectation("plain-hex", &["bland_secret"]).judge(&request, Timestamp::from_millis(NOW * 1_000));
    assert!(report.findings[0].detail.contains("`sha256=`"), "{report:?}");
    assert_eq!(report.fits.as_deref(), Some(HEX));
}

#[test]
fn a_digest_without_a_key_is_told() {
    let plain = "ae858931f67887e8150d6f96c9fe03062c1df36b4464c4ddc8e002c084d5d198";
    for (scheme, name, value) in [
        ("plain-hex", "x-webhook-signature", plain.to_owned()),
        ("github", "X-Hub-Signature-256", format!("sha256={plain}")),
    ] {
        let request = request(&[(name, &value)], BODY);
        assert_eq!(differs(scheme, &["bland_secret"], &request), [Ingredient::Digest], "{scheme}");
    }
    let prefixed = request(&[("x-webhook-signature", &format!("sha256={plain}"))], BODY);
    assert_eq!(differs("plain-hex", &["bland_secret"], &prefixed), [Ingredient::Layout, Ingredient::Digest]);
    // Of another body: a digest that nothing explains stays unexplained.
    let other = request(&[("x-webhook-signature", plain)], "{}");
    assert_eq!(differs("plain-hex", &["bland_secret"], &other), [Ingredient::Unknown]);
}
