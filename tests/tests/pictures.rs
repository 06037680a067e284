//! How the pages look: in light and dark, on a desk and on a phone, nothing is cut off and everything can be read. And the
//! pictures of the documents, which are taken here, of real pages of one story:
//! `RINGBACK_TEST_BLESS=1 tests/run -p ringback-tests pictures` writes `docs/pictures/` anew.
//!
//! `RINGBACK_TEST_PICTURES=<folder>` keeps a picture of every page, to be looked at.

use std::{fs, path::Path, time::Duration};

use ringback::{
    id::EndpointId,
    store::{FigureKeeping as _, Figures, FiguresPart, MinuteOf, Subject},
    time::Timestamp,
};
use ringback_tests::{
    api::id_of,
    browser::Browser,
    database::Database,
    receiver::{Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
};
use serde_json::{Value, json};

use crate::{
    console::{WIDTHS, fits},
    dashboard::logged_in,
};

/// Most bytes of a picture in the documents.
const BYTES_MAX: usize = 150 * 1024;

/// The window in which they are taken.
const WINDOW: (u32, u32) = (1_200, 900);

/// What the pages are about.
struct Story {
    server: Server,
    database: Database,
    _receivers: Vec<Receiver>,
    failing: String,
    dead: String,
    event: String,
    replay: String,
}

/// The URL of a receiver under a name; every name below `localhost` is this machine.
fn url(receiver: &Receiver, name: &str, path: &str) -> String {
    format!("http://{name}.localhost:{}{path}", receiver.address().port())
}

async fn endpoint(server: &Server, fields: Value) -> String {
    id_of(&server.api.endpoint(fields).await)
}

/// A platform with some tenants on a bad day.
async fn story() -> Story {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database)
        .set("egress.allow", "127.0.0.0/8,::1/128")
        .set("portal.name", "Acme Voice")
        .set("portal.accent", "#0f766e")
        .start()
        .await;
    let well =
        Receiver::scripted(|_| Reply::status(200).body("{\"received\": true}").after(Duration::from_millis(23))).await;
    let busy = Receiver::scripted(|_| {
        let answer = Reply::status(503).header("retry-after", "0").header("content-type", "application/json");
        answer.body("{\"error\": \"maintenance until 04:30\"}").after(Duration::from_millis(180))
    })
    .await;
    let moved = Receiver::answering(404).await;
    let twice = json!({"max_attempts": 2, "delays_ms": [50], "jitter": 0.0});
    let crm = json!({
        "tenant": "acme", "key": "crm", "name": "Acme's CRM", "url": url(&well, "crm.acme", "/calls"),
        "event_types": ["call.*"], "preset": "default",
    });
    let crm = endpoint(&server, crm).await;
    let billing = json!({
        "tenant": "acme", "key": "billing", "name": "Billing", "url": url(&busy, "billing.acme", "/hooks/voice"),
        "event_types": ["call.ended"], "retry": twice,
    });
    let failing = endpoint(&server, billing).await;
    let analytics = json!({
        "tenant": "globex", "key": "analytics", "name": "Analytics", "url": url(&moved, "in.globex", "/v2/events"),
        "event_types": ["*"], "retry": twice,
    });
    endpoint(&server, analytics).await;
    let archive = json!({
        "tenant": "initech", "key": "archive", "name": "Archive", "url": url(&well, "archive.initech", "/ringback"),
        "event_types": ["call.ended"],
    });
    let archive = endpoint(&server, archive).await;
    yesterday(&database, &crm, &failing).await;

    let mut last = (String::new(), String::new());
    for call in 0..9 {
        let payload =
            format!("{{\"call_id\": \"call-81{call}4\", \"duration_minutes\": {call}.0, \"ended_by\": \"caller\"}}");
        let fields = json!({"tenant": "acme", "key": format!("call-81{call}4"), "ordering_key": "line-7"});
        let event = server.api.emit("call.ended", payload.as_bytes(), fields).await;
        for delivery in server.api.deliveries_of(&event).await {
            let id = id_of(&delivery);
            let status = if delivery["endpoint_id"] == failing.as_str() { "dead" } else { "delivered" };
            server.api.delivery_with_status(&id, status).await;
            if status == "dead" {
                last = (event.clone(), id);
            }
        }
    }
    for call in 0..3 {
        let fields = json!({"tenant": "globex", "key": format!("9f{call}e-transfer")});
        let event = server.api.emit("call.transferred", b"{\"to\": \"+4930901820\"}", fields).await;
        server.api.delivery_with_status(&server.api.delivery_of(&event).await, "dead").await;
    }
    server.api.post(&format!("/v1/endpoints/{archive}/pause"), &json!({})).await.expect(200);
    for call in 0..4 {
        let fields = json!({"tenant": "initech", "key": format!("INI-{}", 4_410 + call)});
        server.api.emit("call.ended", b"{\"minutes\": 3.0}", fields).await;
    }
    let replay = json!({
        "filter": {"status": "dead", "tenant": "globex"}, "rate_per_second": 0.001, "note": "Globex asked for it, ticket 4711",
    });
    let replay = id_of(&server.api.post("/v1/replays", &replay).await.expect(202));
    let (event, dead) = last;
    Story { server, database, _receivers: vec![well, busy, moved], failing, dead, event, replay }
}

/// What the day before brought, as nodes would have summed it up.
async fn yesterday(database: &Database, well: &str, failing: &str) {
    let store = ringback_sqlite::Sqlite::open(database.url()).await.expect("it opens");
    let endpoint = |id: &str| Subject::Endpoint("acme".to_owned(), id.parse::<EndpointId>().expect("an id"));
    let now = Timestamp::now().micros() / 60_000_000;
    let mut minutes = Vec::new();
    for quarter in 1..95_i64 {
        let at = Timestamp::from_micros((now - quarter * 15) * 60_000_000);
        // Busy by day, and for two hours somebody was away.
        let wave = (f64::from(i32::try_from(quarter).unwrap_or(0)) / 96.0 * std::f64::consts::TAU).cos();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let calls = (40.0 + 34.0 * wave) as u64;
        let away = (20..29).contains(&quarter);
        let figures = |delivered: u64, failed: u64, dead: u64| {
            let mut figures =
                Figures { delivered, failed, first_attempts: delivered + failed / 2, dead, ..Figures::default() };
            if failed > 0 {
                figures.errors.insert("status".to_owned(), failed);
            }
            (0..delivered).for_each(|call| figures.durations.add(Duration::from_millis(18 + call % 40)));
            figures
        };
        let (good, bad) = if away { (calls / 3, calls) } else { (calls, calls / 25) };
        let of_failing = if away { figures(0, calls, calls / 4) } else { figures(calls / 2, calls / 25, 0) };
        minutes.push(MinuteOf {
            subject: Subject::All,
            at,
            figures: figures(good, bad, if away { calls / 4 } else { 0 }),
        });
        minutes.push(MinuteOf {
            subject: Subject::Tenant("acme".to_owned()),
            at,
            figures: figures(good, bad, if away { calls / 4 } else { 0 }),
        });
        minutes.push(MinuteOf { subject: endpoint(well), at, figures: figures(calls, 0, 0) });
        minutes.push(MinuteOf { subject: endpoint(failing), at, figures: of_failing });
    }
    let part = FiguresPart { id: uuid::Uuid::new_v4(), minutes, pulses: Vec::new() };
    store.add_figures(&part).await.expect("they are added");
}

impl Story {
    async fn go(&self, browser: &Browser, page: &str, told: &str) {
        let base = self.server.api.base();
        browser.go(&if page.starts_with("http") { page.to_owned() } else { format!("{base}{page}") }).await;
        browser.text_with(told).await;
    }

    async fn link(&self, route: &str, body: Value) -> String {
        let link = self.server.api.post(route, &body).await;
        assert!(link.status.is_success(), "{link:?}");
        let link: Value = serde_json::from_slice(&link.bytes).expect("JSON");
        link["url"].as_str().expect("a URL").to_owned()
    }

    async fn portal(&self) -> String {
        self.link("/v1/portal-links", json!({"tenant": "acme", "scope": "manage", "expires_in": "1h"})).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documents_show_pages_as_they_are() {
    let story = story().await;
    let browser = logged_in(&story.server).await;
    browser.text_with("dead letters").await;
    let portal = story.portal().await;
    let (dead, failing) = (format!("/deliveries/{}", story.dead), format!("/endpoints/{}", story.failing));
    let pictures = [
        ("start", "/", "The last 24 hours"),
        ("dead-letters", "/dead-letters", "One by one"),
        ("delivery", &dead, "Attempts"),
        ("endpoint", &failing, "The last 24 hours"),
        ("portal", &portal, "Acme Voice"),
    ];
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pictures"));
    let documents: String = ["README.md", "docs/PORTAL.md", "docs/DASHBOARD.md"]
        .map(|file| {
            fs::read_to_string(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(file)).expect("a file")
        })
        .concat();
    for (name, page, told) in pictures {
        story.go(&browser, page, told).await;
        let picture = browser.picture_of(WINDOW.0, WINDOW.1).await;
        assert!(picture.len() < BYTES_MAX, "{name} has {} bytes", picture.len());
        let file = folder.join(format!("{name}.png"));
        if std::env::var_os("RINGBACK_TEST_BLESS").is_some() {
            fs::create_dir_all(folder).expect("the folder can be made");
            fs::write(&file, picture).expect("the picture can be written");
        }
        let kept = fs::read(&file).expect("it is in docs/pictures");
        assert!(kept.starts_with(b"\x89PNG") && kept.len() < BYTES_MAX, "{name}");
        let size = [16, 20].map(|at| u32::from_be_bytes(kept[at..at + 4].try_into().expect("four bytes")));
        assert_eq!(size, [WINDOW.0, WINDOW.1], "{name} was taken in another window");
        assert!(documents.contains(&format!("pictures/{name}.png")), "no document shows {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_can_be_read_in_light_and_dark_and_fits() {
    let story = story().await;
    let browser = logged_in(&story.server).await;
    browser.text_with("dead letters").await;
    let shared = story.link("/v1/share", json!({"delivery_id": story.dead, "expires_in": "1h"})).await;
    story.go(&browser, &story.portal().await, "Acme Voice").await;
    let pages = [
        ("start", "/".to_owned(), "The last 24 hours"),
        ("find", "/find?q=call-81".to_owned(), "call-81"),
        ("events", "/events".to_owned(), "call.ended"),
        ("event", format!("/events/{}", story.event), "Routing"),
        ("deliveries", "/deliveries".to_owned(), "call-8"),
        ("delivery", format!("/deliveries/{}", story.dead), "Attempts"),
        ("endpoints", "/endpoints".to_owned(), "Billing"),
        ("endpoint", format!("/endpoints/{}", story.failing), "The last 24 hours"),
        ("new-endpoint", "/endpoints/new".to_owned(), "New endpoint"),
        ("dead-letters", "/dead-letters".to_owned(), "One by one"),
        ("replays", "/replays".to_owned(), "ticket 4711"),
        ("new-replay", "/replays/new?status=dead".to_owned(), "deliveries"),
        ("replay", format!("/replays/{}", story.replay), "Replay running"),
        ("gaps", "/gaps".to_owned(), "Gaps"),
        ("tail", "/tail".to_owned(), "as they come"),
        ("alerts", "/alerts".to_owned(), "Alerts"),
        ("audit", "/audit".to_owned(), "endpoint.create"),
        ("tokens", "/tokens".to_owned(), "They are made with"),
        ("refusal", "/deliveries/dlv_0".to_owned(), "Not found"),
        ("shared", shared, "What was sent, when"),
        ("portal-start", "/portal".to_owned(), "Acme Voice"),
        ("portal-delivery", format!("/portal/deliveries/{}", story.dead), "Attempts"),
    ];
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for width in WIDTHS {
            browser.resize(width).await;
            for (name, page, told) in &pages {
                story.go(&browser, page, told).await;
                fits(&browser).await;
                assert_eq!(browser.barriers().await, [""; 0], "{name} at {width} in {scheme}");
                if let Ok(folder) = std::env::var("RINGBACK_TEST_PICTURES") {
                    let picture = browser.picture().await;
                    fs::write(format!("{folder}/{scheme}-{width}-{name}.png"), picture).expect("it is kept");
                }
            }
        }
    }
    assert!(story.database.url().contains("sqlite"), "figures of the day before are written there");
}
