//! One random sequence of API calls against both stores: every answer is compared, and held against a model of what the
//! API should answer. What two stores decide twice they may decide differently; this finds where.
//!
//! ```text
//! random     chance that can be had again
//! call       one call, with names instead of ids
//! draw       which call comes next, and what the model says of its answer
//! change     calls that make and change endpoints
//! emit       calls that emit
//! repair     calls that replay, discard and expunge
//! model      endpoints, events and deliveries as they should be
//! side       one store's server
//! canonical  answers in a form that both must give
//! ```
//!
//! No difference between the stores is accepted. What two runs of one store would answer differently is not compared:
//!
//! | not compared | why |
//! |---|---|
//! | ids, times, secrets, signatures, cursors, durations | they are new in each run; ids are compared by the order of their first appearance |
//! | the order of events of one batch, and of deaths in one moment | ids of one millisecond are random; that a list is newest first is held against each server alone |
//! | attempts and holds of deliveries to receivers that answer 410 or 429, `last_24h` and `health` | how many were on their way when the lane was closed is a matter of milliseconds |
//! | which of an attempt's timings are `null` | a connection may be there already |
//! | members of a 202 answer that tell a state | what it set in motion may have moved on |
//! | 401 or 429 for a wrong token | from which one on there are too many depends on the time between them |

mod call;
mod canonical;
mod change;
mod draw;
mod emit;
mod model;
mod repair;
mod side;

use ringback_testkit::Random;
use serde_json::Value;

use self::{
    draw::{Drawn, ENDPOINTS_MAX},
    model::Model,
    side::{Side, Told, written},
};
use crate::{
    receiver::{Receiver, Reply},
    stores::Store,
};

/// Calls on one pair of databases: long enough for a history, short enough that lists stay cheap to read.
const EPISODE: usize = 400;

/// How many differences a run may find before it ends.
const FOUND_MAX: usize = 12;

/// Makes so many random calls and returns what was wrong, with the calls that led there.
pub async fn run(seed: u64, calls: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = calls;
    for episode in 0.. {
        if left == 0 || found.len() >= FOUND_MAX {
            break;
        }
        let count = left.min(EPISODE);
        left -= count;
        let of_episode = play(seed + episode, count).await;
        of_episode.iter().for_each(|difference| eprintln!("{difference}"));
        found.extend(of_episode);
        eprintln!("differential: seed {} done, {left} calls to go, {} differences", seed + episode, found.len());
    }
    found
}

async fn play(seed: u64, calls: usize) -> Vec<String> {
    let receiver = Receiver::scripted(|arrived| match arrived.path.as_str() {
        "/500" => Reply::status(500).body("no"),
        "/410" => Reply::status(410),
        "/429" => Reply::status(429).header("retry-after", "3600"),
        "/flaky" if arrived.header("ringback-attempt") == "1" => Reply::status(503),
        _ => Reply::status(204),
    })
    .await;
    let base = receiver.url().trim_end_matches("/hook").to_owned();
    let mut sqlite = Side::start(Store::Sqlite, ENDPOINTS_MAX).await;
    let mut postgres = Side::start(Store::Postgres, ENDPOINTS_MAX).await;
    let (mut random, mut model, mut found) = (Random::of(seed), Model::default(), Vec::new());
    for number in 0..calls {
        let drawn = draw::draw(&mut random, &mut model, &base);
        let told = (sqlite.tell(&drawn.call).await, postgres.tell(&drawn.call).await);
        let report = |what: &str| format!("seed {seed}, call {number}: {}\n    {what}", written(&drawn.call));
        if told.0 != told.1 {
            found.push(report(&difference(&told.0, &told.1)));
        }
        for (told, side) in [(&told.0, &sqlite), (&told.1, &postgres)] {
            if let Some(wrong) = against_model(&drawn, told, &model) {
                found.push(report(&format!("{:?} contradicts the model: {wrong}", side.store)));
            }
        }
        if drawn.call.moves() && told.0.status < 300 {
            sqlite.settle().await;
            postgres.settle().await;
            model.run();
            found.extend(ledger(&sqlite, &postgres, &model).await.map(|wrong| report(&wrong)));
            remember_moments(&mut sqlite, &mut postgres, &model).await;
        }
        // Once the model or one side has gone another way, what follows follows from that.
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// Reads the newest event, so that calls can name the moment of its acceptance.
async fn remember_moments(sqlite: &mut Side, postgres: &mut Side, model: &Model) {
    for side in [sqlite, postgres] {
        side.learn_moments(model.events.len()).await;
    }
}

async fn ledger(sqlite: &Side, postgres: &Side, model: &Model) -> Option<String> {
    let expected = model.ledger();
    for side in [sqlite, postgres] {
        let ledger = side.ledger().await;
        for (name, (least, most)) in &expected {
            let counted = ledger["deliveries"][*name].as_i64().unwrap_or(-1);
            if !(*least..=*most).contains(&counted) {
                return Some(format!("{:?}: {least} to {most} {name} expected in {ledger}", side.store));
            }
        }
        if ledger["events"]["accepted"] != model.events.len() {
            return Some(format!("{:?}: {} events expected in {ledger}", side.store, model.events.len()));
        }
    }
    None
}

fn against_model(drawn: &Drawn, told: &Told, model: &Model) -> Option<String> {
    if let Some(wrong) = &told.wrong {
        return Some(wrong.clone());
    }
    if let Some((status, code)) = drawn.expected
        && (told.status != status || code.is_some_and(|code| !told.body.to_string().contains(&format!("\"{code}\""))))
    {
        return Some(format!(
            "{status} {} expected, {} answered: {}",
            code.unwrap_or_default(),
            told.status,
            told.body
        ));
    }
    if let Some(items) = drawn.items.as_ref().filter(|_| drawn.expected.is_some()) {
        let mut names: Vec<_> = items.iter().map(String::as_str).collect();
        let mut answered: Vec<_> =
            told.body.as_array()?.iter().map(|item| item["id"].as_str().unwrap_or_default()).collect();
        if names.first().is_some_and(|name| name.is_empty()) {
            names.clear();
            answered.dedup();
            let (wanted, got) = (items.len(), answered.len());
            return (wanted != got).then(|| format!("{wanted} items expected, {got} answered: {answered:?}"));
        }
        names.sort_unstable();
        answered.sort_unstable();
        if names != answered {
            return Some(format!("{names:?} expected, {answered:?} answered"));
        }
    }
    drawn.event.filter(|_| drawn.expected.is_some()).and_then(|event| model.contradicts(event, &told.body))
}

fn difference(sqlite: &Told, postgres: &Told) -> String {
    if sqlite.status != postgres.status {
        return format!(
            "SQLite {} {}\n    PostgreSQL {} {}",
            sqlite.status, sqlite.body, postgres.status, postgres.body
        );
    }
    if sqlite.pages != postgres.pages {
        return format!("SQLite has pages of {:?}, PostgreSQL of {:?}", sqlite.pages, postgres.pages);
    }
    if sqlite.headers != postgres.headers {
        return format!("SQLite says {:?}, PostgreSQL {:?}", sqlite.headers, postgres.headers);
    }
    let mut all = Vec::new();
    compare("", &sqlite.body, &postgres.body, &mut all);
    all.truncate(8);
    all.join("\n    ")
}

/// Where two documents differ.
fn compare(pointer: &str, one: &Value, other: &Value, all: &mut Vec<String>) {
    match (one, other) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{pointer}/{index}"), a, b, all);
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for name in names {
                let of = |members: &serde_json::Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                compare(&format!("{pointer}/{name}"), &of(a), &of(b), all);
            }
        }
        _ if one == other => {}
        _ => all.push(format!("{pointer}: SQLite {one}, PostgreSQL {other}")),
    }
}
