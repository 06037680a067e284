//! Edits that come at once are all made: a caller that names no version never hears of one.

use std::{collections::BTreeSet, sync::Arc};

use reqwest::Method;
use ringback::{
    audit::{Actor, Who},
    operate::rotate::Rotation,
    seal::MasterKeys,
};
use ringback_tests::{
    api::{Api, id_of},
    database::Database,
    embedded::Embedded,
    on_both_stores,
    stores::Store,
};
use serde_json::{Value, json};

/// Edits at once, of each kind and in each of two processes' engines.
const EDITS: usize = 20;

/// Edits at once in one process: more than an edit would be made again, were it to compete with all of the others.
const MANY_EDITS: usize = 400;

async fn two_nodes(database: &Database) -> [Embedded; 2] {
    let keys = Arc::new(MasterKeys::parse(&MasterKeys::generate_text(), &[]).expect("a key"));
    let start = async || Embedded::start(database, |settings| settings.keys = Arc::clone(&keys)).await;
    [start().await, start().await]
}

on_both_stores! {
    async fn twenty_patches_at_once_by_http_and_by_the_engine_are_all_made(store: Store) {
        let database = Database::fresh(store).await;
        let nodes = two_nodes(&database).await;
        let endpoint = json!({"url": "https://example.com/hook", "event_types": ["*"]});
        let id = id_of(&nodes[0].api.endpoint(endpoint).await);
        let path = format!("/v1/endpoints/{id}");
        let mut under_way = tokio::task::JoinSet::new();
        for edit in 0..EDITS {
            let node = &nodes[edit % 2];
            let (api, engine, path) = (node.api.clone(), node.engine.clone(), path.clone());
            let id = id.parse().expect("an id");
            // A merge patch of one header leaves the others as they are: each edit is to be seen in the end.
            if edit < EDITS / 2 {
                let patch = json!({"headers": {format!("x-{edit}"): "1"}});
                under_way.spawn(async move { drop(api.patch(&path, &patch).await.expect(200)) });
            } else {
                under_way.spawn(async move {
                    let patch = json!({"headers": {format!("x-{edit}"): "1"}});
                    engine.patch_endpoint(id, patch, None, &Actor::from(Who::Host(None))).await.expect("it is made");
                });
            }
        }
        for edit in 0..4 {
            let (api, path) = (nodes[edit % 2].api.clone(), path.clone());
            let action = if edit % 2 == 0 { "pause" } else { "resume" };
            under_way.spawn(async move { drop(api.post(&format!("{path}/{action}"), &json!({})).await.expect(200)) });
        }
        let engine = nodes[1].engine.clone();
        under_way.spawn({
            let id = id.parse().expect("an id");
            async move {
                engine.rotate_secret(id, &Rotation::default(), None, &Actor::from(Who::Host(None))).await.expect("it is made");
            }
        });
        while let Some(done) = under_way.join_next().await {
            done.expect("every edit is made");
        }
        let now = nodes[0].api.get(&path).await.expect(200);
        let headers: BTreeSet<_> = now["headers"].as_object().expect("an object").keys().cloned().collect();
        let wanted: BTreeSet<_> = (0..EDITS).map(|edit| format!("x-{edit}")).collect();
        assert_eq!(headers, wanted, "none is lost");
        assert_eq!(now["rotation"]["secrets"], 2, "{now}");
    }

    async fn twenty_puts_at_once_make_one_endpoint_and_none_is_refused(store: Store) {
        let database = Database::fresh(store).await;
        let nodes = two_nodes(&database).await;
        let mut under_way = tokio::task::JoinSet::new();
        for edit in 0..EDITS {
            let api = nodes[edit % 2].api.clone();
            let body = json!({"url": "https://example.com/hook", "event_types": ["*"], "name": format!("{edit}")});
            under_way.spawn(async move {
                let path = "/v1/endpoints/by-key/default/crm";
                let answer = api.ask(reqwest::Method::PUT, path, Some(body.to_string().into())).await;
                let answer = answer.expect("answered");
                let status = answer.status.as_u16();
                assert!([200, 201].contains(&status), "{answer:?}");
                (status, id_of(&answer.expect(status)))
            });
        }
        let mut answers = Vec::new();
        while let Some(done) = under_way.join_next().await {
            answers.push(done.expect("every edit is made"));
        }
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(), 1, "{answers:?}");
    }

    async fn however_many_edits_come_at_once_to_one_node_each_has_its_turn(store: Store) {
        let database = Database::fresh(store).await;
        let node = Embedded::idle(&database).await;
        let endpoint = json!({"url": "https://example.com/hook", "event_types": ["*"]});
        let id = id_of(&node.api.endpoint(endpoint).await).parse().expect("an id");
        let mut under_way = tokio::task::JoinSet::new();
        for edit in 0..MANY_EDITS {
            let engine = node.engine.clone();
            under_way.spawn(async move {
                let patch = json!({"name": format!("{edit}")});
                engine.patch_endpoint(id, patch, None, &Actor::from(Who::Host(None))).await.map(|made| made.endpoint.version)
            });
        }
        let mut versions = BTreeSet::new();
        while let Some(done) = under_way.join_next().await {
            versions.insert(done.expect("no panic").expect("it is made"));
        }
        assert_eq!(versions.len(), MANY_EDITS, "each is a version of its own");
    }

    async fn a_put_while_its_endpoint_is_deleted_makes_another(store: Store) {
        let database = Database::fresh(store).await;
        let node = Embedded::idle(&database).await;
        let body = json!({"url": "https://example.com/hook", "event_types": ["*"]});
        let put = async |api: Api, body: Value| {
            let path = "/v1/endpoints/by-key/default/crm";
            api.ask(Method::PUT, path, Some(body.to_string().into())).await.expect("answered")
        };
        // Which of them comes first is chance: in some round a PUT waits for the turn of the DELETE.
        for round in 0..10 {
            let first = put(node.api.clone(), body.clone()).await;
            let status = first.status.as_u16();
            let id = id_of(&first.expect(status));
            let mut under_way = tokio::task::JoinSet::new();
            let api = node.api.clone();
            under_way.spawn(async move { api.ask(Method::DELETE, &format!("/v1/endpoints/{id}"), None).await });
            for edit in 0..4 {
                let mut body = body.clone();
                body["name"] = json!(format!("{round}-{edit}"));
                let api = node.api.clone();
                under_way.spawn(async move { Ok(put(api, body).await) });
            }
            while let Some(answer) = under_way.join_next().await {
                let answer = answer.expect("it ends").expect("answered");
                assert!([200, 201, 204].contains(&answer.status.as_u16()), "round {round}: {answer:?}");
            }
        }
    }

    async fn who_names_a_version_is_told_when_it_is_no_longer_the_present_one(store: Store) {
        let database = Database::fresh(store).await;
        let node = Embedded::idle(&database).await;
        let endpoint = json!({"url": "https://example.com/hook", "event_types": ["*"]});
        let endpoint = node.api.endpoint(endpoint).await;
        let path = format!("/v1/endpoints/{}", id_of(&endpoint));
        let tag = node.api.get(&path).await.headers["etag"].clone();
        node.api.patch(&path, &json!({"name": "first"})).await.expect(200);
        let headers = [("if-match", tag.clone()), ("content-type", "application/json".parse().expect("a value"))];
        let headers = headers.into_iter().map(|(name, value)| (name.parse().expect("a name"), value)).collect();
        let body: Value = json!({"name": "second"});
        let late = node.api.ask_with(reqwest::Method::PATCH, &path, headers, Some(body.to_string().into())).await;
        late.expect("answered").expect_problem(412, "precondition_failed");
        assert_eq!(node.api.get(&path).await.expect(200)["name"], "first");
    }
}
