//! Pages, cursors and query parameters.

use http::StatusCode;
use serde_json::json;

use crate::app::App;

const LISTS: [&str; 4] = ["events", "endpoints", "deliveries", "dead-letters"];

#[tokio::test]
async fn pages_hold_everything_once_and_newest_first() {
    let app = App::new().await;
    let mut endpoints = Vec::new();
    for key in ["a", "b", "c"] {
        endpoints.push(app.endpoint(key).await);
    }
    let mut events = Vec::new();
    for _ in 0..5 {
        events.push(app.event("x").await);
    }
    for (list, count) in [("events", 5), ("endpoints", 3), ("deliveries", 15)] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("/v1/{list}?limit=2{cursor}")).await.is(StatusCode::OK);
            let ids = page.each("id");
            assert!(ids.len() <= 2);
            seen.extend(ids);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut expected = seen.clone();
        expected.sort();
        expected.dedup();
        expected.reverse();
        assert_eq!(seen, expected, "{list}");
        assert_eq!(seen.len(), count, "{list}");
    }
}

#[tokio::test]
async fn a_cursor_fits_only_the_list_and_filter_that_it_was_made_for() {
    let app = App::new().await;
    app.endpoint("a").await;
    for _ in 0..3 {
        app.event("x").await;
    }
    let page = app.get("/v1/events?limit=1&type=x").await.is(StatusCode::OK);
    let cursor = page.text("next_cursor");
    app.get(&format!("/v1/events?type=x&limit=2&cursor={cursor}")).await.is(StatusCode::OK);
    let mut tampered = cursor.clone().into_bytes();
    tampered[9] = if tampered[9] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    for path in [
        format!("/v1/events?type=y&cursor={cursor}"),
        format!("/v1/events?cursor={cursor}"),
        format!("/v1/deliveries?type=x&cursor={cursor}"),
        format!("/v1/events?type=x&cursor={tampered}"),
        "/v1/events?type=x&cursor=".to_owned(),
        "/v1/events?type=x&cursor=%00".to_owned(),
    ] {
        let refused = app.get(&path).await.refused(StatusCode::BAD_REQUEST);
        assert_eq!(refused, ("invalid_cursor".to_owned(), "cursor".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn every_list_names_the_parameter_that_is_wrong() {
    let app = App::new().await;
    for list in LISTS {
        for (query, code, parameter) in [
            ("limit=0", "out_of_range", "limit"),
            ("limit=1001", "out_of_range", "limit"),
            ("limit=ten", "out_of_range", "limit"),
            ("limit=5&limit=6", "duplicate_parameter", "limit"),
            ("tenant=a%20b", "malformed", "tenant"),
            ("Tenant=a", "unknown_parameter", "Tenant"),
            ("nonsense", "unknown_parameter", "nonsense"),
        ] {
            let refused = app.get(&format!("/v1/{list}?{query}")).await.refused(StatusCode::BAD_REQUEST);
            assert_eq!(refused, (code.to_owned(), parameter.to_owned()), "{list} {query}");
        }
        let empty = app.get(&format!("/v1/{list}?limit=1000")).await.is(StatusCode::OK);
        assert_eq!(empty.0, json!({"items": [], "next_cursor": null}));
    }
    for (path, parameter) in [
        ("/v1/events?since=yesterday", "since"),
        ("/v1/events?until=2026-01-01T00:00:00", "until"),
        ("/v1/events?key=%00", "key"),
        ("/v1/events?type=", "type"),
        ("/v1/deliveries?endpoint_id=ep_1", "endpoint_id"),
        ("/v1/deliveries?event_id=dlv_00000000000000000000000000000000", "event_id"),
        ("/v1/deliveries?status=lost", "status"),
        ("/v1/deliveries?host=a/b", "host"),
        ("/v1/dead-letters?reason=tired", "reason"),
        ("/v1/dead-letters?status=dead", "status"),
        ("/v1/ledger?since=0", "since"),
        ("/v1/ledger?limit=5", "limit"),
    ] {
        assert_eq!(app.get(path).await.refused(StatusCode::BAD_REQUEST).1, parameter, "{path}");
    }
}

#[tokio::test]
async fn events_are_found_by_key_type_and_time() {
    let app = App::new().await;
    let id = app.event("x").await;
    for query in ["key=call-1", "type=x&tenant=default", "since=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"] {
        assert_eq!(
            app.get(&format!("/v1/events?{query}")).await.is(StatusCode::OK).each("id"),
            [id.as_str()],
            "{query}"
        );
    }
    for query in ["key=call-2", "type=y", "tenant=acme", "until=2020-01-01T00:00:00Z", "since=2100-01-01T00:00:00Z"] {
        let list = app.get(&format!("/v1/events?{query}")).await.is(StatusCode::OK);
        assert!(list["items"].as_array().unwrap().is_empty(), "{query}");
    }
}
