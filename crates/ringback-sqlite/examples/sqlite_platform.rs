//! A platform on SQLite, from the end of a call to the customer who checks what he was sent.
//!
//! ```sh
//! cargo run -p ringback-sqlite --example sqlite_platform
//! ```
//!
//! The platform's own table and Ringback's tables lie in one file. A call and its event are committed together or not at
//! all: both are shown. The customer's receiver listens on this machine and checks the signature as his documentation
//! tells him to, with code of his own. Everything is gone again when the example ends.

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ringback::{
    Engine, Settings,
    audit::{Actor, Who},
    delivery::Status,
    endpoint::Draft,
    event::NewEvent,
    id::EventId,
    seal::MasterKeys,
    store::Span,
};
use ringback_sqlite::Sqlite;
use ringback_testkit::{Received, Receiver, Reply};
use sha2::Sha256;
use sqlx::Row as _;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The text has three decimals of its own: it arrives as it stands here, byte for byte.
const PAYLOAD: &str = r#"{"call_id":"call-42","duration_minutes":3.000}"#;

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}

pub(crate) async fn run() -> Result<()> {
    // What a platform has anyway: a database with a table of its own.
    let folder = tempfile::tempdir()?;
    let database = Sqlite::open(folder.path().join("calls.db")).await?;
    database.migrate().await?;
    execute(&database, "CREATE TABLE call (id TEXT PRIMARY KEY, ended INTEGER NOT NULL DEFAULT 0)").await?;
    execute(&database, "INSERT INTO call (id) VALUES ('call-41'), ('call-42')").await?;

    // A platform keeps this text where it keeps its secrets: without it no stored secret can be read again.
    let master_key = MasterKeys::generate_text();
    let mut settings = Settings::new(MasterKeys::parse(&master_key, &[])?);
    // Private addresses and plain HTTP are refused unless a host allows them; the receiver below is on this machine.
    settings.egress.allow = vec!["127.0.0.0/8".parse()?];
    settings.egress.allow_http = true;
    let engine = Engine::open(Arc::new(database.clone()), settings).await?;
    let sending = engine.start().await?;

    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let draft = Draft { url: Some(receiver.url()), event_types: Some(vec!["call.*".to_owned()]), ..Draft::default() };
    let made = engine.create_endpoint(draft, &Actor::from(Who::Host(Some("sqlite_platform".to_owned())))).await?;
    // Shown this once: the platform hands it to the customer.
    let secret = made.secret.ok_or("a new endpoint has a secret")?;
    println!("endpoint   {} at {}", made.endpoint.id, receiver.url());

    let refused = end_call(&database, "call-41", Then::Fail).await;
    let accepted = engine.ledger(None, Span::default()).await?.events.accepted;
    println!("call-41    ended: {}, events accepted: {accepted}", is_ended(&database, "call-41").await?);
    assert!(refused.is_err() && accepted == 0, "a transaction that is undone leaves no event");

    let event = end_call(&database, "call-42", Then::Commit).await?;
    // Only so that it goes out at once: the engine finds the event by itself some milliseconds later.
    engine.wake();
    println!("call-42    ended: {}, event {event}", is_ended(&database, "call-42").await?);

    let request = receiver.next().await;
    check(&request, &secret)?;
    println!(
        "received   {} bytes, signed as promised: {}",
        request.body.len(),
        request.header("webhook-id").unwrap_or("-")
    );
    assert_eq!(request.body, PAYLOAD, "the bytes of the payload are sent as they were emitted");
    assert_eq!(request.header("webhook-id"), Some(event.to_string().as_str()), "every attempt carries the event's id");

    let status = settled(&engine, event).await?;
    println!("delivery   {}", status.name());

    sending.shutdown(Duration::from_secs(10)).await;
    database.close().await?;
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Commit,
    Fail,
}

/// The platform's own code: ends a call and says so, in one transaction.
async fn end_call(database: &Sqlite, id: &'static str, then: Then) -> Result<EventId> {
    let event = NewEvent::new("call.ended", PAYLOAD).key(id);
    let work = database.write(move |tx| {
        Box::pin(async move {
            sqlx::query("UPDATE call SET ended = 1 WHERE id = ?1").bind(id).execute(&mut *tx).await?;
            let event = ringback_sqlite::emit(tx, &event).await?;
            match then {
                Then::Commit => Ok(event),
                Then::Fail => Err("the bill of this call could not be written".into()),
            }
        })
    });
    work.await
}

async fn execute(database: &Sqlite, statement: &'static str) -> Result<()> {
    database.write(move |tx| Box::pin(async move { Ok(sqlx::query(statement).execute(tx).await.map(drop)?) })).await
}

async fn is_ended(database: &Sqlite, id: &'static str) -> Result<bool> {
    let read = database.write(move |tx| {
        Box::pin(async move {
            let row = sqlx::query("SELECT ended FROM call WHERE id = ?1").bind(id).fetch_one(tx).await?;
            Ok(row.try_get(0)?)
        })
    });
    read.await
}

/// The customer's own code: Standard Webhooks, written down at <https://www.standardwebhooks.com>. A real receiver also
/// refuses a timestamp that is more than some minutes away from its clock, and takes each `webhook-id` once.
fn check(request: &Received, secret: &str) -> Result<()> {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").ok_or("a secret begins with whsec_")?)?;
    let header = |name: &str| request.header(name).ok_or_else(|| format!("{name} is missing"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
    mac.update(format!("{}.{}.", header("webhook-id")?, header("webhook-timestamp")?).as_bytes());
    mac.update(&request.body);
    // Several signatures may stand side by side while a secret is changed; one that fits is enough.
    let signatures = header("webhook-signature")?.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    for signature in signatures {
        // Compares in a time that tells nothing about where the two differ.
        if mac.clone().verify_slice(&BASE64_STANDARD.decode(signature)?).is_ok() {
            return Ok(());
        }
    }
    Err("no signature fits".into())
}

/// What has become of the event's only delivery, once it is no longer under way.
async fn settled(engine: &Engine, event: EventId) -> Result<Status> {
    for _ in 0..1_000 {
        match engine.deliveries_of(event, 1).await?.first() {
            Some(delivery) if delivery.status != Status::Pending => return Ok(delivery.status),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    Err("it is still under way after 10 s".into())
}
