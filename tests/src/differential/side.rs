//! One store's server, and what is known of its ids.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{
    call::{Call, Caller},
    canonical::Names,
};
use crate::{
    api::{Answer, Api},
    command::ringback,
    database::Database,
    server::{Serve, Server},
    stores::Store,
    until::until,
};

/// Most pages that a list is read in.
const PAGES_MAX: usize = 400;

/// Longer than any retry of the calls takes, shorter than any hold.
const SOON: Duration = Duration::from_secs(5);

/// A server on a store of its own.
pub(super) struct Side {
    /// Which store it is on.
    pub(super) store: Store,
    names: Names,
    tokens: HashMap<&'static str, Api>,
    server: Server,
    _database: Database,
}

/// What a call came to, in a form that both servers must give.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// The status of the answer, or of the first page.
    pub(super) status: u16,
    /// Headers that callers rely on: their names, and the values of those that say the same everywhere.
    pub(super) headers: Vec<String>,
    /// The body; of a list that was walked, the items of all pages in one order of ours.
    pub(super) body: Value,
    /// How many items each page had.
    pub(super) pages: Vec<usize>,
    /// What is wrong with the answer by itself.
    pub(super) wrong: Option<String>,
}

impl Side {
    /// A fresh database with a server on it, and a token for each caller.
    pub(super) async fn start(store: Store, endpoints_max: usize) -> Self {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database)
            .set("max_endpoints_per_tenant", &endpoints_max.to_string())
            .set("log", "warn")
            .start()
            .await;
        let mut tokens = HashMap::new();
        for (caller, scope, tenant) in Caller::WITH_TOKENS {
            let mut arguments = vec!["token", "create", "--scope", scope, "--name", name_of(caller)];
            arguments.extend(tenant.iter().flat_map(|tenant| ["--tenant", tenant]));
            let token = ringback(&database, &arguments).await.done();
            tokens.insert(name_of(caller), server.api.with_token(token.trim()));
        }
        tokens.insert(name_of(Caller::Nobody), server.api.with_token("a-token-that-nobody-was-given"));
        tokens.insert(name_of(Caller::Admin), server.api.clone());
        Self { store, names: Names::default(), tokens, server, _database: database }
    }

    /// Makes a call, and gives the answer in the form that both servers must give.
    pub(super) async fn tell(&mut self, call: &Call) -> Told {
        let first = self.ask(call, &self.names.spell(&call.path)).await;
        let status = first.status.as_u16();
        if call.caller == Caller::Nobody && matches!(status, 401 | 429) {
            // From which wrong token on there are too many is a matter of timing.
            return Told { status: 401, headers: Vec::new(), body: Value::Null, pages: Vec::new(), wrong: None };
        }
        let headers = headers_of(&first);
        let mut page = read(&first);
        self.remember(&page, &first);
        if !call.walked || status != 200 {
            let mut body = self.names.canonical(page);
            if status == 202 {
                // Whatever was set in motion may have moved on already.
                body = keep(body, &["id", "matched", "duplicate", "warnings", "event_id", "delivery_id", "items"]);
            }
            return Told { status, headers, body, pages: Vec::new(), wrong: None };
        }
        let (mut items, mut pages) = (Vec::new(), Vec::new());
        let wrong = loop {
            let got = page["items"].as_array().cloned().unwrap_or_default();
            pages.push(got.len());
            items.extend(got);
            let Some(cursor) = page["next_cursor"].as_str() else { break None };
            if pages.len() == PAGES_MAX {
                break Some("the list does not end".to_owned());
            }
            let joined = if call.path.contains('?') { '&' } else { '?' };
            let path = format!("{}{joined}cursor={cursor}", self.names.spell(&call.path));
            let answer = self.ask(call, &path).await;
            if answer.status.as_u16() != 200 {
                break Some(format!("a page after the first answers {}", answer.status));
            }
            page = read(&answer);
        };
        let wrong = wrong.or_else(|| disorder(&items));
        let mut items: Vec<_> = items.into_iter().map(|item| self.names.canonical(item)).collect();
        // What was accepted in one batch, or died in one moment, has no order among itself.
        items.sort_by_cached_key(Value::to_string);
        Told { status, headers, body: Value::Array(items), pages, wrong }
    }

    async fn ask(&self, call: &Call, path: &str) -> Answer {
        let mut headers = header::HeaderMap::new();
        let body = call.body.as_ref().map(|body| Bytes::from(self.names.spell(body)));
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        }
        for (name, value) in &call.headers {
            headers.insert(*name, self.names.spell(value).parse().expect("a header's value"));
        }
        let api = &self.tokens[name_of(call.caller)];
        api.ask_with(call.method.clone(), path, headers, body).await.expect("the server answers")
    }

    /// Keeps an endpoint's tag and an event's moment under the names that calls have for them.
    fn remember(&mut self, document: &Value, answer: &Answer) {
        let Some(id) = document["id"].as_str() else { return };
        let name = self.names.canonical(Value::from(id));
        let Some((kind, number)) = name.as_str().and_then(|name| name.split_once('#')) else { return };
        let tag = answer.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        if let (Some(tag), "ep") = (tag, kind) {
            self.names.learn(format!("etag#{number}"), tag);
        }
        if let (Some(at), "evt") = (document["accepted_at"].as_str(), kind) {
            self.names.learn(format!("at#{number}"), at);
        }
    }

    /// Waits until nothing is due: everything pending is held, and no replay runs.
    pub(super) async fn settle(&self) {
        until("nothing is due", async || {
            // Replays first: what they release is then among the deliveries.
            let replays = self.names.all("rpl");
            for replay in replays {
                let replay = self.server.api.get(&format!("/v1/replays/{replay}")).await.expect(200);
                if replay["state"] == "running" {
                    return None;
                }
            }
            for status in ["pending", "delivered"] {
                let list = self.server.api.get(&format!("/v1/deliveries?limit=1000&status={status}")).await.expect(200);
                if list["items"].as_array().into_iter().flatten().any(is_under_way) {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    /// Reads the events that have come since, so that calls can name the moments of their acceptance.
    pub(super) async fn learn_moments(&mut self, events: usize) {
        for number in (1..=events).rev() {
            if self.names.knows(&format!("at#{number}")) {
                break;
            }
            let path = self.names.spell(&format!("/v1/events/evt#{number}"));
            let answer = self.server.api.get(&path).await;
            let document = read(&answer);
            self.remember(&document, &answer);
        }
    }

    /// The ledger, which must balance.
    pub(super) async fn ledger(&self) -> Value {
        self.server.api.balanced_ledger().await
    }
}

/// These members of an object; anything else as it is.
fn keep(document: Value, names: &[&str]) -> Value {
    match document {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect())
        }
        other => other,
    }
}

const fn name_of(caller: Caller) -> &'static str {
    match caller {
        Caller::Admin => "admin",
        Caller::ReaderOfAcme => "reader of acme",
        Caller::EmitterOfAcme => "emitter of acme",
        Caller::Operator => "operator",
        Caller::AdminOfZeta => "admin of zeta",
        Caller::Nobody => "nobody",
    }
}

/// Whether something is about to happen to this delivery without a call.
fn is_under_way(delivery: &Value) -> bool {
    let is_held = !delivery["hold_reason"].is_null();
    let due = delivery["next_attempt_at"].as_str().and_then(|at| at.parse::<ringback::time::Timestamp>().ok());
    let is_waiting = delivery["status"] == "pending" || due.is_some();
    is_waiting && !is_held && due.is_none_or(|due| due < ringback::time::Timestamp::now() + SOON)
}

fn read(answer: &Answer) -> Value {
    let text = String::from_utf8_lossy(&answer.bytes);
    let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.contains("json") {
        return serde_json::from_slice(&answer.bytes).unwrap_or_else(|error| json!({"not JSON": error.to_string()}));
    }
    if text.is_empty() { Value::Null } else { Value::from(text.into_owned()) }
}

fn headers_of(answer: &Answer) -> Vec<String> {
    const SAID: [&str; 6] =
        ["content-type", "allow", "www-authenticate", "content-disposition", "x-content-type-options", "cache-control"];
    let mut headers: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    headers.retain(|name| matches!(name.as_str(), "etag" | "location" | "retry-after"));
    for name in SAID {
        let value = answer.headers.get(name).and_then(|value| value.to_str().ok());
        // A file's name holds the event's id.
        let value = value.map(|value| if name == "content-disposition" { "…" } else { value });
        headers.extend(value.map(|value| format!("{name}: {value}")));
    }
    headers.sort();
    headers
}

/// Lists are newest first.
fn disorder(items: &[Value]) -> Option<String> {
    let key = |item: &Value| {
        let at = ["died_at", "at"].iter().find_map(|name| item[*name].as_str());
        let at = at.and_then(|at| at.parse::<ringback::time::Timestamp>().ok()).map_or(0, |at| at.micros());
        // Within a moment dead letters go by their ids; the others have no time before their ids.
        (at, item["id"].as_str().unwrap_or_default().to_owned())
    };
    let wrong = items.windows(2).find(|pair| key(&pair[0]) < key(&pair[1]))?;
    Some(format!("not newest first: {} stands before {}", wrong[0], wrong[1]))
}

/// How a call is written in messages.
#[must_use]
pub(super) fn written(call: &Call) -> String {
    let by = if call.caller == Caller::Admin { String::new() } else { format!(" by {}", name_of(call.caller)) };
    let headers: String = call.headers.iter().map(|(name, value)| format!(" [{name}: {value}]")).collect();
    let body = call.body.as_deref().map(|body| format!(" {body}")).unwrap_or_default();
    let method = if call.walked && call.method == Method::GET { "walk of GET" } else { call.method.as_str() };
    format!("{method} {}{by}{headers}{body}", call.path)
}
