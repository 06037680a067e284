//! A secret is rotated without a moment in which its receiver can verify nothing, and what a rotation promised holds.

use ringback_tests::{
    api::id_of,
    database::Database,
    on_both_stores,
    receiver::{Arrived, Receiver},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

/// The list that a request carries.
fn signatures(request: &Arrived) -> Vec<String> {
    request.header("webhook-signature").split(' ').map(str::to_owned).collect()
}

/// Every built-in scheme that signs, with a first and a second secret that it takes.
const SCHEMES: [(&str, &str, &str); 9] = [
    ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"),
    ("standard-ed25519", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"),
    ("svix", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"),
    ("elevenlabs", "a-first-secret-of-theirs", "a-second-secret-of-theirs"),
    ("levrage", "a-first-secret-of-theirs", "a-second-secret-of-theirs"),
    ("synthflow", "a-first-secret-of-theirs", "a-second-secret-of-theirs"),
    ("retell", "a-first-secret-of-theirs", "a-second-secret-of-theirs"),
    ("github", "a-first-secret-of-theirs", "a-second-secret-of-theirs"),
    ("plain-hex", "a-first-secret-of-theirs", "a-second-secret-of-theirs"),
];

on_both_stores! {
    async fn old_and_new_secret_sign_side_by_side_until_the_overlap_ends(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = id_of(&server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"]})).await);
        let endpoint = format!("/v1/endpoints/{endpoint}");
        let rotate = format!("{endpoint}/rotate-secret");
        assert_eq!(server.api.get(&endpoint).await.expect(200)["rotation"], Value::Null);
        let mut expected = 0;
        // How many signatures a request has after each rotation: never more than two old ones beside the new.
        for (rotation, count) in [
            (None, 1),
            (Some(json!({"overlap_seconds": 7_200})), 2),
            (Some(json!({"overlap_seconds": 3_600})), 3),
            (Some(json!({"force": true})), 3),
            (Some(json!({"overlap_seconds": 0, "force": true})), 1),
        ] {
            let told = match rotation {
                Some(rotation) => server.api.post(&rotate, &rotation).await.expect(200),
                None => json!({"overlap_until": null}),
            };
            let shown = server.api.get(&endpoint).await.expect(200)["rotation"].clone();
            let wanted = json!({"secrets": count, "overlap_until": told["overlap_until"], "switch_at": null});
            assert_eq!(shown, if count > 1 { wanted } else { Value::Null });
            server.api.emit("call.ended", b"{}", json!({})).await;
            expected += 1;
            let requests = receiver.wait_for(expected).await;
            let signatures = signatures(&requests[expected - 1]);
            assert_eq!(signatures.len(), count, "{signatures:?}");
            assert!(signatures.iter().all(|signature| signature.starts_with("v1,")), "{signatures:?}");
        }
    }

    async fn a_third_rotation_that_would_end_the_first_overlap_early_is_refused(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
        let endpoint = format!("/v1/endpoints/{}", id_of(&server.api.endpoint(endpoint).await));
        let rotate = format!("{endpoint}/rotate-secret");
        let first = server.api.post(&rotate, &json!({})).await.expect(200);
        let second = server.api.post(&rotate, &json!({})).await.expect(200);
        let before = server.api.get(&endpoint).await.expect(200);
        let refused = server.api.post(&rotate, &json!({})).await.expect_problem(409, "overlap_in_use");
        let told = refused["detail"].as_str().expect("a text");
        assert!(told.contains(first["overlap_until"].as_str().expect("a time")), "{told}");
        assert!(told.contains("second last secret") && told.contains("force"), "{told}");
        for secret in [&first["secret"], &second["secret"], &json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")] {
            assert!(!refused.to_string().contains(secret.as_str().expect("a secret")), "{refused}");
        }
        // Nor does any other way to another secret or scheme end it in silence.
        for change in [
            json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"}),
            json!({"scheme": "github"}),
            json!({"scheme": "none", "secret": null}),
        ] {
            server.api.patch(&endpoint, &change).await.expect_problem(409, "overlap_in_use");
        }
        assert_eq!(server.api.get(&endpoint).await.expect(200), before, "a refusal changes nothing");
        server.api.patch(&endpoint, &json!({"name": "x"})).await.expect(200);
        server.api.post(&rotate, &json!({"force": true})).await.expect(200);
        let forced = server.api.get(&endpoint).await.expect(200);
        assert_eq!(forced["rotation"]["secrets"], 3);
    }

    async fn a_put_does_not_end_an_overlap_in_silence(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let path = "/v1/endpoints/by-key/default/crm";
        let put = async |fields: Value| {
            let mut body = json!({"url": "https://example.com/hook", "event_types": ["*"]});
            body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            server.api.ask(reqwest::Method::PUT, path, Some(body.to_string().into())).await.expect("answered")
        };
        let endpoint = id_of(&put(json!({})).await.expect(201));
        let rotate = format!("/v1/endpoints/{endpoint}/rotate-secret");
        let new = server.api.post(&rotate, &json!({})).await.expect(200)["secret"].clone();
        put(json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"})).await.expect_problem(409, "overlap_in_use");
        put(json!({"scheme": "levrage"})).await.expect_problem(409, "overlap_in_use");
        let kept = put(json!({"secret": new})).await.expect(200);
        assert_eq!(kept["rotation"]["secrets"], 2, "{kept}");
        server.api.post(&rotate, &json!({"overlap_seconds": 0, "force": true})).await.expect(200);
        put(json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"})).await.expect(200);
    }

    async fn every_scheme_shows_its_rotation_and_keeps_what_it_promised(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        for (scheme, secret, next) in SCHEMES {
            let endpoint = json!({"url": "https://example.com/hook", "event_types": ["*"], "scheme": scheme, "secret": secret});
            let endpoint = format!("/v1/endpoints/{}", id_of(&server.api.endpoint(endpoint).await));
            let rotate = format!("{endpoint}/rotate-secret");
            let carries_list = ["standard", "standard-ed25519", "svix", "elevenlabs"].contains(&scheme);
            let promise = if carries_list { json!({}) } else { json!({"switch_at": "2027-01-01T00:00:00Z"}) };
            let with = |secret: &str, mut body: Value| {
                body["secret"] = json!(secret);
                body
            };
            let told = server.api.post(&rotate, &with(next, promise)).await.expect(200);
            let shown = server.api.get(&endpoint).await.expect(200)["rotation"].clone();
            let valid = if carries_list { 2 } else { 1 };
            let wanted =
                json!({"secrets": valid, "overlap_until": told["overlap_until"], "switch_at": told["switch_at"]});
            assert_eq!(shown, wanted, "{scheme}");
            // A second older one has room beside the first; after that, and before a switch, nothing has.
            let third = format!("{}x", &next[..next.len() - 1]).replace("LaLaSx", "LaLaSy");
            let now = if carries_list { json!({"overlap_seconds": 0}) } else { json!({}) };
            let refused = server.api.post(&rotate, &with(&third, now.clone())).await;
            refused.expect_problem(409, "overlap_in_use");
            let mut forced = with(&third, now);
            forced["force"] = json!(true);
            server.api.post(&rotate, &forced).await.expect(200);
            let shown = server.api.get(&endpoint).await.expect(200)["rotation"].clone();
            assert_eq!(shown, Value::Null, "{scheme}");
        }
    }

    async fn ed25519_keys_overlap_as_promised(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let endpoint =
            json!({"url": "https://example.com/hook", "event_types": ["*"], "scheme": "standard-ed25519"});
        let endpoint = format!("/v1/endpoints/{}", id_of(&server.api.endpoint(endpoint).await));
        let rotate = format!("{endpoint}/rotate-secret");
        for _ in 0..2 {
            server.api.post(&rotate, &json!({})).await.expect(200);
        }
        let key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let refused = server.api.post(&rotate, &json!({"secret": key})).await.expect_problem(409, "overlap_in_use");
        assert!(refused["detail"].as_str().expect("a text").contains("ed25519 key"), "{refused}");
        server.api.patch(&endpoint, &json!({"scheme": "standard"})).await.expect_problem(409, "overlap_in_use");
        server.api.post(&rotate, &json!({"secret": key, "force": true})).await.expect(200);
    }
}
