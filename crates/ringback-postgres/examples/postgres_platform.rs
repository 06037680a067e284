//! A platform on PostgreSQL: the end of a call and its event are one transaction, written from Rust and from plain SQL.
//!
//! ```sh
//! cargo run -p ringback-postgres --example postgres_platform -- postgres://user:password@localhost/database
//! ```
//!
//! The URL may stand in `DATABASE_URL` instead. Its user must be allowed to create schemas in that database. The example
//! works in a schema of its own and removes it at the end; the platform's table is a temporary one. The customer's receiver
//! listens on this machine and checks the signature with code of its own.

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use ringback::{
    Engine, Settings,
    audit::{Actor, Who},
    delivery::Status,
    endpoint::{Draft, Preset},
    event::NewEvent,
    id::EventId,
    seal::MasterKeys,
    store::Span,
};
use ringback_postgres::Postgres;
use ringback_testkit::{Received, Receiver, Reply};
use sha2::Sha256;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What the customer chose as the secret; the preset below keys the signature with its literal text.
const SECRET: &str = "whsec_chosen_by_the_customer";

/// The duration has a decimal that says nothing to a computer: it arrives as it stands here, byte for byte.
const PAYLOAD: &str = r#"{"session_id":"call-42","duration_minutes":3.0}"#;

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).or_else(|| std::env::var("DATABASE_URL").ok());
    let url = url.ok_or("no database: give the URL of a PostgreSQL 15 or later as argument, or in DATABASE_URL")?;
    run(&url).await
}

pub(crate) async fn run(url: &str) -> Result<()> {
    // The schema's name is `ringback` where nothing else is said. This one is nobody's but this process's.
    let schema = format!("ringback_example_{}", std::process::id());
    let mut connection = PgConnection::connect(url).await.map_err(|error| format!("the database: {error}"))?;
    let shown = show(url, &schema, &mut connection).await;
    // Also after a failure, which is told once nothing is left behind.
    let remove = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    sqlx::query(AssertSqlSafe(remove)).execute(&mut connection).await?;
    shown
}

async fn show(url: &str, schema: &str, connection: &mut PgConnection) -> Result<()> {
    let store = Postgres::connect(url, schema).await?;
    store.migrate().await?;

    // A platform keeps this text where it keeps its secrets: without it no stored secret can be read again.
    let master_key = MasterKeys::generate_text();
    let mut settings = Settings::new(MasterKeys::parse(&master_key, &[])?);
    // Private addresses and plain HTTP are refused unless a host allows them; the receiver below is on this machine.
    settings.egress.allow = vec!["127.0.0.0/8".parse()?];
    settings.egress.allow_http = true;
    let engine = Engine::open(Arc::new(store.clone()), settings).await?;
    let sending = engine.start().await?;

    let receiver = Receiver::start(|_| Reply::status(200)).await;
    let draft = Draft {
        url: Some(receiver.url()),
        event_types: Some(vec!["CALL_ENDED".to_owned()]),
        preset: Some(Preset::Levrage),
        secret: Some(Some(SECRET.to_owned())),
        ..Draft::default()
    };
    let made = engine.create_endpoint(draft, &Actor::from(Who::Host(Some("postgres_platform".to_owned())))).await?;
    println!("endpoint   {} at {}", made.endpoint.id, receiver.url());

    // What a platform has anyway: a connection of its own, and a table.
    let create = "CREATE TEMPORARY TABLE call (id text PRIMARY KEY, ended_at timestamptz)";
    sqlx::query(create).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO call (id) VALUES ('call-41'), ('call-42'), ('call-43')").execute(&mut *connection).await?;

    // Undone: the call goes on, so nobody is told that it has ended.
    let mut transaction = connection.begin().await?;
    end_call(&mut transaction, schema, "call-41").await?;
    transaction.rollback().await?;
    let accepted = engine.ledger(None, Span::default()).await?.events.accepted;
    println!("call-41    rolled back, events accepted: {accepted}");
    assert_eq!(accepted, 0, "a transaction that is undone leaves no event");

    // Committed: both, in one transaction.
    let mut transaction = connection.begin().await?;
    let event = end_call(&mut transaction, schema, "call-42").await?;
    transaction.commit().await?;
    // Only so that it goes out at once: the engine finds the event by itself some milliseconds later.
    engine.wake();
    println!("call-42    committed, event {event}");
    arrived(&engine, &receiver, event).await?;

    // What a platform in any other language does: a statement in the transaction that it has anyway.
    let mut transaction = connection.begin().await?;
    sqlx::query("UPDATE call SET ended_at = now() WHERE id = 'call-43'").execute(&mut *transaction).await?;
    let emit = format!(r#"SELECT {schema}.emit('CALL_ENDED', $1, '{{"key": "call-43"}}')"#);
    let event: String = sqlx::query_scalar(AssertSqlSafe(emit)).bind(PAYLOAD).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    println!("call-43    committed, event {event}, by SQL alone");
    arrived(&engine, &receiver, event.parse()?).await?;

    sending.shutdown(Duration::from_secs(10)).await;
    store.close().await;
    Ok(())
}

/// The platform's own code: ends a call and says so. Whoever calls it has begun the transaction and ends it.
async fn end_call(transaction: &mut PgConnection, schema: &str, id: &str) -> Result<EventId> {
    sqlx::query("UPDATE call SET ended_at = now() WHERE id = $1").bind(id).execute(&mut *transaction).await?;
    let event = NewEvent::new("CALL_ENDED", PAYLOAD).key(id);
    // `ringback_postgres::emit` where the schema has its usual name.
    Ok(ringback_postgres::emit_in(transaction, schema, &event).await?)
}

/// The customer got this event as it was emitted, and the engine knows.
async fn arrived(engine: &Engine, receiver: &Receiver, event: EventId) -> Result<()> {
    let request = receiver.next().await;
    check(&request)?;
    assert_eq!(request.body, PAYLOAD, "the bytes of the payload are sent as they were emitted");
    assert_eq!(request.header("ringback-id"), Some(event.to_string().as_str()), "every attempt carries the event's id");
    println!("received   {} bytes, signed as promised", request.body.len());
    println!("delivery   {}", settled(engine, event).await?);
    Ok(())
}

/// The customer's own code, as the vendor's document describes it: hex of HMAC-SHA256 over the body, keyed with the text
/// of the secret. It must be given the body as it came, before anything has parsed it.
fn check(request: &Received) -> Result<()> {
    let signature = request.header("X-Levrage-Signature").ok_or("X-Levrage-Signature is missing")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(&request.body);
    // Compares in a time that tells nothing about where the two differ.
    Ok(mac.verify_slice(&hex::decode(signature)?)?)
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
