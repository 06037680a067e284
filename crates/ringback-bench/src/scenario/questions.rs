//! The ten questions that operators ask about one call, each by the API, by the page and by the command, beside millions of
//! events and a hundredth as many dead letters.

use std::time::Instant;

use serde_json::json;

use crate::{
    bench::Bench,
    database::{DEAD_EACH, Database, Store},
    failure::{Failure, Result},
    measure::{clock, latency::Latencies},
    process::{
        connection::Connection,
        node::{Node, TOKEN, asked},
        pages::Pages,
        receiver::Behaviour,
    },
    report::{Row, row::grouped},
    stage::Stage,
};

const FULL: u64 = 10_000_000;

/// Endpoints whose deliveries have died.
const DEAD_ENDPOINTS: u32 = 11;

/// How often each is asked by the API and by page, after once to warm up.
const ASKED: u32 = 20;

/// The same of commands: each is a process.
const COMMANDS: u32 = 5;

/// Keys of the list of calls that somebody expected webhooks for.
const EXPECTED: u64 = 1_000;

/// Every answer comes within this.
const TARGET_MS: f64 = 1_000.0;

/// One question and how it is asked.
struct Question {
    asked: &'static str,
    api: Request,
    page: Request,
    command: Vec<String>,
}

/// A request; with a body it is a POST.
struct Request {
    path: String,
    body: Option<Body>,
}

enum Body {
    Json(serde_json::Value),
    Csv(String),
    /// Fields of a form, which is on this page.
    Form(String, Vec<(&'static str, String)>),
}

fn get(path: impl Into<String>) -> Request {
    Request { path: path.into(), body: None }
}

fn post(path: impl Into<String>, body: Body) -> Request {
    Request { path: path.into(), body: Some(body) }
}

pub(super) async fn run(bench: &Bench, store: Store) -> Result<Vec<Row>> {
    let past = bench.count(FULL, 20_000);
    let mut stage = Stage::set(bench, store).await?;
    let node = Node::start(&stage.database).await?;
    let healthy = node.endpoint("default", &stage.receiver.url(Behaviour::Healthy, 0), 16).await?;
    let mut dead = Vec::new();
    for number in 1..=DEAD_ENDPOINTS {
        dead.push(node.endpoint("default", &stage.receiver.url(Behaviour::Busy, number), 16).await?);
    }
    node.stop().await?;
    stage.database.fill_history(past, &healthy, &dead).await?;
    stage.session().await?.settle().await?;
    stage.receiver.reset(0).await?;

    let node = Node::start(&stage.database).await?;
    let mut api = node.connect().await?;
    let questions = questions(&mut api, past, &dead).await?;
    let keys = stage.database.folder().join("calls.csv");
    std::fs::write(&keys, expected(past))?;

    let mut rows = Vec::new();
    for (number, question) in (1..).zip(&questions) {
        // Opened anew: the server closes a connection that waits while commands are tried.
        let ways = [
            ("API", by_api(&mut node.connect().await?, &question.api).await?),
            ("page", by_page(&mut Pages::log_in(&node).await?, &question.page).await?),
            ("command", by_command(&stage.database, &node, &question.command).await?),
        ];
        let mut told = Vec::new();
        let mut slowest = 0.0_f64;
        let mut measured = serde_json::Map::new();
        for (way, latencies) in ways {
            let summary = latencies.summary().ok_or_else(|| Failure::new("nothing was asked"))?;
            told.push(format!("{way} {:.0} ms", summary.p50_ms));
            slowest = slowest.max(summary.max_ms);
            measured.insert(way.to_lowercase(), json!(summary));
        }
        let what = format!("{number}. {} ({} events)", question.asked, grouped(past as f64));
        rows.push(
            stage
                .row("questions", what)
                .result(format!("{}; at most {slowest:.0} ms", told.join(", ")))
                .with("ways", measured)
                .scaled(past, FULL)
                .target(bench, "each < 1 s", slowest < TARGET_MS),
        );
    }
    node.stop().await?;
    stage.clear().await?;
    Ok(rows)
}

/// The questions, about a call in the middle of the past whose delivery died, and about one that is pending.
async fn questions(api: &mut Connection, past: u64, dead: &[String]) -> Result<Vec<Question>> {
    let key = format!("past-{}", past / 2 / DEAD_EACH * DEAD_EACH);
    let found = api.api(TOKEN, "GET", &format!("/v1/find?q={key}"), None).await?;
    let event = text(&found, "/items/0/id")?;
    let whole = api.api(TOKEN, "GET", &format!("/v1/events/{event}"), None).await?;
    let died = whole["deliveries"].as_array().into_iter().flatten().find(|delivery| delivery["status"] == "dead");
    let died = died.ok_or_else(|| Failure::new(format!("no dead letter in {whole}")))?;
    let delivery = text(died, "/id")?;
    let endpoint = text(died, "/endpoint_id")?;
    let other = dead.first().ok_or_else(|| Failure::new("no endpoint"))?;
    // Receivers there answer 429: it stays pending.
    let emit = json!({"type": "call.ended", "key": "call-now", "payload": {"call": "now"}});
    let now = text(&api.api(TOKEN, "POST", "/v1/events", Some(&emit)).await?, "/id")?;
    let waiting = loop {
        let whole = api.api(TOKEN, "GET", &format!("/v1/events/{now}"), None).await?;
        let first = whole["deliveries"].as_array().into_iter().flatten().find(|it| it["endpoint_id"] == **other);
        if let Some(first) = first.filter(|first| first["attempt_count"].as_u64() > Some(0)) {
            break text(first, "/id")?;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let share =
        |path: String| post(path, Body::Form(format!("/deliveries/{delivery}"), vec![("expires_in", "1d".into())]));
    let filter = json!({"dry_run": true, "filter": {"status": "dead", "endpoint_id": endpoint}});
    let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let question = |asked, api, page, words: &[&str]| Question { asked, api, page, command: command(words) };
    Ok(vec![
        question(
            "Were you handed an event for this call?",
            get(format!("/v1/find?q={key}")),
            get(format!("/find?q={key}")),
            &["find", &key],
        ),
        question(
            "Whom was it for, and why (not)?",
            get(format!("/v1/events/{event}")),
            get(format!("/events/{event}")),
            &["explain", &event],
        ),
        question(
            "Was it sent, when, what did they answer?",
            get(format!("/v1/deliveries/{delivery}")),
            get(format!("/deliveries/{delivery}")),
            &["deliveries", &delivery],
        ),
        question(
            "What exactly did you send?",
            get(format!("/v1/events/{now}/payload")),
            get(format!("/events/{now}")),
            &["payload", &now],
        ),
        question(
            "Is it still coming?",
            get(format!("/v1/deliveries/{waiting}")),
            get(format!("/deliveries/{waiting}")),
            &["find", "call-now"],
        ),
        question(
            "Only this one, or everything for them?",
            get(format!("/v1/endpoints/{endpoint}")),
            get(format!("/endpoints/{endpoint}")),
            &["endpoints", "get", &endpoint],
        ),
        question("Only them, or us?", get("/v1/dead-letters/groups"), get("/"), &["top", "--once"]),
        question(
            "Which calls did they miss altogether? (1,000 keys)",
            post("/v1/gaps", Body::Csv(expected(past))),
            post("/gaps", Body::Form("/gaps".to_owned(), vec![("keys", expected(past))])),
            &["gaps", "--expected", "calls.csv"],
        ),
        question(
            "Send it again: what would be sent?",
            post("/v1/replays", Body::Json(filter)),
            get(format!("/replays/new?status=dead&endpoint_id={endpoint}")),
            &["replay", "--endpoint-id", &endpoint, "--status", "dead", "--dry-run"],
        ),
        question(
            "What do I tell the customer?",
            post("/v1/share", Body::Json(json!({"delivery_id": delivery, "expires_in": "1d"}))),
            share(format!("/deliveries/{delivery}/share")),
            &["share", &delivery, "--expires", "1d"],
        ),
    ])
}

fn text(answer: &serde_json::Value, pointer: &str) -> Result<String> {
    let text = answer.pointer(pointer).and_then(serde_json::Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Failure::new(format!("nothing at {pointer} of {answer}")))
}

/// A list of keys all over the past, and one in ten that nobody emitted.
fn expected(past: u64) -> String {
    let key = |at: u64| match at % 10 {
        9 => format!("nobody-{at}\n"),
        _ => format!("past-{}\n", at.wrapping_mul(7_919_317) % past),
    };
    (0..EXPECTED).map(key).collect()
}

async fn by_api(api: &mut Connection, request: &Request) -> Result<Latencies> {
    measured(ASKED, async || {
        match &request.body {
            None => api.bytes(TOKEN, "GET", &request.path, "application/json", String::new()).await,
            Some(Body::Json(body)) => {
                api.bytes(TOKEN, "POST", &request.path, "application/json", body.to_string()).await
            }
            Some(Body::Csv(body)) => api.bytes(TOKEN, "POST", &request.path, "text/csv", body.clone()).await,
            Some(Body::Form(..)) => Err(Failure::new("forms are of pages")),
        }
        .map(drop)
    })
    .await
}

async fn by_page(pages: &mut Pages, request: &Request) -> Result<Latencies> {
    let form = match &request.body {
        Some(Body::Form(page, fields)) => Some((pages.form_of(page).await?, fields)),
        _ => None,
    };
    measured(ASKED, async || match &form {
        Some((form, fields)) => pages.submit(&request.path, form, fields).await,
        None => pages.show(&request.path).await.map(drop),
    })
    .await
}

async fn by_command(database: &Database, node: &Node, words: &[String]) -> Result<Latencies> {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    // Some calls of the list have gaps, which is what that status says.
    let status = if words.first() == Some(&"gaps") { 3 } else { 0 };
    measured(COMMANDS, async || asked(database, node, &words, status).await).await
}

/// Once to warm up, and then so often.
async fn measured(times: u32, mut ask: impl AsyncFnMut() -> Result<()>) -> Result<Latencies> {
    ask().await?;
    let (mut latencies, since) = (Latencies::default(), Instant::now());
    for _ in 0..times {
        let from = clock::monotonic_ns();
        ask().await?;
        latencies.add_ns(clock::monotonic_ns() - from);
        // Something is wrong that more of the same tells no better.
        if since.elapsed().as_secs() > 60 {
            break;
        }
    }
    Ok(latencies)
}
