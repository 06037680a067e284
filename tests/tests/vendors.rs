//! The five vendors' promises, held towards receivers that share no code with Ringback. A first attempt, a retry, a
//! replay, a body with text beyond ASCII and one of 200 KB all verify; with a wrong secret nothing does.

use ringback_tests::{
    api::Api,
    database::Database,
    on_both_stores,
    outside::{Authority, Customer, Outside, Started},
    samples::{self, Sample},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

/// A secret that a Levrage customer may choose: what follows the prefix is no base64.
const CHOSEN: [&str; 2] = ["whsec_our own words, 3 of them_", "whsec_other words_"];

/// 24 bytes as Standard Webhooks and Svix write them.
const ENCODED: [&str; 2] = ["whsec_MDEyMzQ1Njc4OWFiY2RlZkdISUpLTE1O", "whsec_T05NTEtKSUhHRkVEQ0JBOTg3NjU0MzIx"];

/// Soon enough for a test.
fn quick_retry() -> Value {
    json!({"max_attempts": 3, "delays_ms": [50], "jitter": 0.0})
}

/// The first attempt of each body fails, its retry is delivered, and then it is replayed.
async fn fail_retry_and_replay(api: &Api, customer: &Outside, bodies: &[Sample], fields: &Value) {
    let mut events = Vec::new();
    for sample in bodies {
        let event = api.emit(sample.event_type, &sample.body, fields.clone()).await;
        let id = api.delivery_of(&event).await;
        events.push(event);
        let delivery = api.delivery_with_status(&id, "delivered").await;
        assert_eq!(delivery["attempt_count"], 2, "{delivery}");
        api.post(&format!("/v1/deliveries/{id}/replay"), &json!({})).await.expect(202);
        api.delivery_when(&id, "the replay is recorded", |delivery| delivery["attempt_count"] == 3).await;
    }
    let journal = customer.wait_for(bodies.len() * 3).await;
    assert_eq!(journal.len(), bodies.len() * 3);
    assert!(journal.iter().all(|line| line.ok()), "{journal:#?}");
    for (sample, event) in bodies.iter().zip(&events) {
        let lines: Vec<_> = journal.iter().filter(|line| line.sha256() == sample.sha256()).collect();
        let attempts: Vec<_> = lines.iter().map(|line| (line.attempt(), line.is_replay())).collect();
        assert_eq!(attempts, [("1", false), ("2", false), ("3", true)]);
        assert!(lines.iter().all(|line| line.id() == lines[0].id()), "one idempotency key: {lines:#?}");
        assert!(lines.iter().all(|line| line.event() == event), "one event: {lines:#?}");
    }
}

/// The customer was given another secret: he trusts nothing, and the platform hears it.
async fn nothing_verifies(api: &Api, customer: &Outside, wrong: &str, sample: &Sample, fields: &Value) {
    let before = customer.journal().len();
    customer.is_given(wrong);
    let event = api.emit(sample.event_type, &sample.body, fields.clone()).await;
    let id = api.delivery_of(&event).await;
    let delivery = api.delivery_with_status(&id, "dead").await;
    assert_eq!(delivery["attempts"][0]["status_code"], 401, "{delivery}");
    let journal = customer.wait_for(before + 3).await;
    assert!(journal[before..].iter().all(|line| !line.ok()), "{journal:#?}");
}

/// Every customer in a tenant of his own, so that each gets only his own events.
async fn a_signature_holds(store: Store, preset: &str, customers: &[Customer], secrets: [&str; 2], bodies: &[Sample]) {
    let database = Database::fresh(store).await;
    let server = Serve::on(&database).start().await;
    for customer in customers {
        let fields = json!({"tenant": format!("{customer:?}")});
        let receiver = Started { fail_first: 1, ..Started::new(*customer, secrets[0]) }.start().await;
        server
            .api
            .endpoint(json!({
                "tenant": fields["tenant"], "url": receiver.url(), "event_types": [bodies[0].event_type],
                "preset": preset, "secret": secrets[0], "retry": quick_retry(),
            }))
            .await;
        fail_retry_and_replay(&server.api, &receiver, bodies, &fields).await;
        nothing_verifies(&server.api, &receiver, secrets[1], &bodies[0], &fields).await;
    }
}

on_both_stores! {
    async fn levrage_customers_verify_with_the_ten_lines_of_its_document(store: Store) {
        let bodies = [samples::levrage(), samples::levrage_non_ascii(), samples::levrage_large()];
        a_signature_holds(store, "levrage", &[Customer::LevrageFlask], CHOSEN, &bodies).await;
    }

    async fn levers_customers_verify_with_svix_of_pypi_and_of_npm(store: Store) {
        let bodies = [samples::levers(), samples::levers_non_ascii(), samples::levers_large()];
        a_signature_holds(store, "levers", &[Customer::SvixPython, Customer::SvixNode], ENCODED, &bodies).await;
    }

    async fn everybody_else_verifies_with_standardwebhooks_of_pypi_and_of_npm(store: Store) {
        let bodies = [samples::generic(), samples::levrage_non_ascii(), samples::levers_large()]
            .map(|sample| Sample { event_type: "call.ended", ..sample });
        let customers = [Customer::StandardPython, Customer::StandardNode];
        a_signature_holds(store, "default", &customers, ENCODED, &bodies).await;
    }

    async fn the_secret_that_ringback_makes_is_one_that_libraries_take(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        for (customer, preset) in [
            (Customer::StandardPython, "default"), (Customer::StandardNode, "default"),
            (Customer::SvixPython, "svix"), (Customer::SvixNode, "svix"),
        ] {
            let tenant = format!("{customer:?}");
            let receiver = Started::new(customer, "").start().await;
            let fields = json!({"tenant": tenant, "url": receiver.url(), "event_types": ["*"], "preset": preset});
            let endpoint = server.api.endpoint(fields).await;
            receiver.is_given(endpoint["secret"].as_str().expect("the secret is in the answer that made it"));
            let sample = samples::levers();
            server.api.emit(sample.event_type, &sample.body, json!({"tenant": tenant})).await;
            assert!(receiver.wait_for(1).await[0].ok());
        }
    }

    async fn the_external_url_gets_the_bytes_and_no_signature(store: Store) {
        let database = Database::fresh(store).await;
        let authority = Authority::fresh();
        let bodies = [samples::external(), samples::levers_non_ascii(), samples::levrage_large()];
        let expected = bodies.clone().map(|sample| sample.body);
        let started = Started { fail_first: 1, bodies: &expected, ..Started::new(Customer::ExternalUrl, "") };
        let receiver = Started { tls: Some(&authority), ..started }.start().await;
        let server = Serve::on(&database)
            .set("egress.allow_http", "false")
            .variable("SSL_CERT_FILE", authority.root())
            .start()
            .await;

        // The document's own example has no scheme in front.
        let url = receiver.url().trim_start_matches("https://");
        let fields = json!({"destination": {"url": url, "retry": quick_retry()}});
        fail_retry_and_replay(&server.api, &receiver, &bodies, &fields).await;
        let request = json!({"type": "call.completed", "payload": 1, "destination": {"url": url}});
        let answer = server.api.post("/v1/events", &request).await.expect(202);
        assert_eq!(answer["warnings"][0]["code"], "url_scheme_added", "{answer}");
    }

    async fn the_generic_platform_authenticates_in_four_ways_over_https(store: Store) {
        let database = Database::fresh(store).await;
        let authority = Authority::fresh();
        let server = Serve::on(&database)
            .set("egress.allow_http", "false")
            .variable("SSL_CERT_FILE", authority.root())
            .start()
            .await;
        let key = |value: &str| json!({"type": "api_key", "header": "X-Customer-Key", "value": value});
        let basic = json!({"type": "basic", "username": "platform", "password": "two:words"});
        let ways = [
            (Customer::GenericApiKey, "an-api-key", json!({"scheme": "none", "auth": key("an-api-key")})),
            (Customer::GenericHmac, "hmac secret", json!({"scheme": "plain-hex", "secret": "hmac secret"})),
            (Customer::GenericBasic, "platform:two:words", json!({"scheme": "none", "auth": basic})),
            (Customer::GenericBearer, "a.jwt.maybe", json!({"scheme": "none", "auth": {"type": "bearer", "token": "a.jwt.maybe"}})),
        ];
        let bodies = [samples::generic(), samples::levers_non_ascii(), samples::levrage_large()]
            .map(|sample| Sample { event_type: "call.ended", ..sample });
        for (customer, secret, way) in ways {
            let tenant = format!("{customer:?}");
            let fields = json!({"tenant": tenant});
            let started = Started { fail_first: 1, ..Started::new(customer, secret) };
            let receiver = Started { tls: Some(&authority), ..started }.start().await;
            let mut endpoint = json!({
                "tenant": tenant, "url": receiver.url(), "event_types": samples::GENERIC_TYPES, "retry": quick_retry(),
            });
            endpoint.as_object_mut().expect("an object").extend(way.as_object().expect("an object").clone());
            server.api.endpoint(endpoint).await;
            fail_retry_and_replay(&server.api, &receiver, &bodies, &fields).await;
            nothing_verifies(&server.api, &receiver, "something else", &bodies[0], &fields).await;
        }
    }

    async fn all_sixteen_events_of_the_generic_platform_arrive(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Started::new(Customer::GenericBearer, "token").start().await;
        server
            .api
            .endpoint(json!({
                "url": receiver.url(), "event_types": samples::GENERIC_TYPES,
                "scheme": "none", "auth": {"type": "bearer", "token": "token"},
            }))
            .await;
        for event_type in samples::GENERIC_TYPES {
            server.api.emit(event_type, format!(r#"{{"type":"{event_type}"}}"#).as_bytes(), json!({})).await;
        }
        let mut types: Vec<_> = receiver.wait_for(16).await.iter().map(|line| line.id().to_owned()).collect();
        types.sort();
        let mut expected = samples::GENERIC_TYPES;
        expected.sort_unstable();
        assert_eq!(types, expected);
    }
}
