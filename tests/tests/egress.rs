//! Promise 8: only vetted addresses are dialled, and the address vetted is the address dialled.

use std::{net::Ipv4Addr, sync::Arc};

use ringback_testkit::Names;
use ringback_tests::{
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::json;

on_both_stores! {
    async fn private_addresses_are_refused_at_registration_in_whatever_form(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::strictly_on(&database).set("egress.allow_http", "true").start().await;
        let listener = Receiver::healthy().await;
        let port = listener.address().port();
        for (host, code) in [
            ("127.0.0.1", "blocked_destination"),
            ("[::1]", "blocked_destination"),
            ("[::ffff:127.0.0.1]", "blocked_destination"),
            ("[::ffff:169.254.169.254]", "blocked_destination"),
            ("169.254.169.254", "blocked_destination"),
            ("10.1.2.3", "blocked_destination"),
            ("100.100.100.200", "blocked_destination"),
            ("168.63.129.16", "blocked_destination"),
            ("[fd00:ec2::254]", "blocked_destination"),
            ("localhost", "blocked_destination"),
            ("metadata.google.internal", "blocked_destination"),
            ("0x7f.1", "ambiguous_ip"),
            ("2130706433", "ambiguous_ip"),
            ("0177.0.0.1", "ambiguous_ip"),
            ("127.0.0.1.", "ambiguous_ip"),
        ] {
            let fields = json!({"url": format!("http://{host}:{port}/hook"), "event_types": ["*"]});
            let problem = server.api.post("/v1/endpoints", &fields).await.expect_problem(422, code);
            assert_eq!(problem["errors"][0]["pointer"], "/url", "{problem}");
            let inline = json!({"type": "t", "payload": 1, "destination": {"url": fields["url"]}});
            let problem = server.api.post("/v1/events", &inline).await.expect_problem(422, code);
            assert_eq!(problem["errors"][0]["pointer"], "/destination/url", "{problem}");
        }
        assert_eq!(listener.connections(), 0, "no packet reaches them");
    }

    async fn plain_http_is_refused_unless_it_is_allowed(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::strictly_on(&database).start().await;
        let fields = json!({"url": "http://93.184.215.14/hook", "event_types": ["*"]});
        server.api.post("/v1/endpoints", &fields).await.expect_problem(422, "https_required");
    }

    async fn what_was_allowed_at_registration_is_vetted_again_when_it_is_sent(store: Store) {
        let database = Database::fresh(store).await;
        let listener = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        let once = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
        let fields = json!({"url": listener.url(), "event_types": ["*"], "retry": once});
        server.api.endpoint(fields).await;
        assert_eq!(server.terminate().await.code(), Some(0));

        let server = Serve::strictly_on(&database).set("egress.allow_http", "true").start().await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&id, "dead").await;
        let attempt = &delivery["attempts"][0];
        assert_eq!((&attempt["error"], &attempt["phase"]), (&json!("blocked_destination"), &json!("policy")));
        assert_eq!(attempt["remote_addr"], json!(null), "{attempt}");
        assert_eq!(listener.connections(), 0, "no packet reaches it");
    }

    async fn a_name_that_resolves_to_a_private_address_is_refused_when_it_is_sent(store: Store) {
        let database = Database::fresh(store).await;
        let listener = Receiver::healthy().await;
        let names = Arc::new(Names::new().with("hooks.customer.com", [Ipv4Addr::LOCALHOST]));
        let resolver = Arc::clone(&names);
        let host = Embedded::start(&database, |settings| {
            settings.egress.allow_http = true;
            settings.resolver = Some(resolver);
        })
        .await;
        let url = format!("http://hooks.customer.com:{}/hook", listener.address().port());
        let once = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
        host.api.endpoint(json!({"url": url, "event_types": ["*"], "retry": once})).await;
        let event = host.api.emit("call.ended", b"{}", json!({})).await;
        let id = host.api.delivery_of(&event).await;
        let delivery = host.api.delivery_with_status(&id, "dead").await;
        assert_eq!(delivery["attempts"][0]["error"], "blocked_destination", "{delivery}");
        assert!(names.lookups() > 0, "it was asked");
        assert_eq!(listener.connections(), 0, "and no packet reaches what it said");
    }

    async fn a_redirect_is_a_failure_and_is_never_followed(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let forbidden = Receiver::healthy().await;
        let target = forbidden.url();
        let receiver = Receiver::scripted(move |request| {
            Reply::status([301, 302, 303, 307, 308][request.index % 5]).header("location", target.clone())
        })
        .await;
        let retry = json!({"max_attempts": 5, "delays_ms": [50], "jitter": 0.0});
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&id, "dead").await;
        let errors: Vec<_> = delivery["attempts"].as_array().expect("attempts").iter().map(|it| &it["error"]).collect();
        assert_eq!(errors, ["redirect"; 5], "{delivery}");
        assert_eq!(forbidden.connections(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inline_destination_that_sql_brought_is_vetted_when_it_is_routed() {
    let database = Database::fresh(Store::Postgres).await;
    let listener = Receiver::healthy().await;
    let server = Serve::strictly_on(&database).set("egress.allow_http", "true").start().await;
    let options = json!({"destination": {"url": listener.url()}});
    let emit = sqlx::query_scalar("select ringback.emit('call.ended', '{}', $1::jsonb)").bind(options.to_string());
    let event: String = emit.fetch_one(&mut database.postgres().await).await.expect("SQL asks nobody");
    let id = server.api.delivery_of(&event).await;
    let delivery = server.api.delivery_with_status(&id, "dead").await;
    assert_eq!((&delivery["dead_reason"], &delivery["attempt_count"]), (&json!("unroutable"), &json!(0)), "{delivery}");
    assert_eq!(listener.connections(), 0, "no packet reaches it");
}
