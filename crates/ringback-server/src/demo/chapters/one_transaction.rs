//! Levrage's `CALL_ENDED`: the event and the call's end are one commit.

use std::time::Instant;

use ringback::{event::NewEvent, id::EventId, store};
use ringback_sqlite::Sqlite;
use serde_json::json;

use super::super::{receivers::Rule, samples::LEVRAGE, stage::Stage};
use crate::failure::{Failure, Result};

/// The customer chose it, as that document lets them; the HMAC is keyed with its literal text.
const SECRET: &str = "whsec_hill_gardens";

const TENANT: &str = "hill-gardens";

pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    stage.teller.chapter("One transaction (Levrage: CALL_ENDED)");
    let url = stage.healthy.expect("/levrage", Rule::Levrage { secret: SECRET.to_owned() });
    let endpoint = json!({
        "tenant": TENANT, "key": "agent-tea", "preset": "levrage", "url": url,
        "event_types": [LEVRAGE.event_type], "secret": SECRET,
    });
    let (id, _) = stage.endpoint(endpoint).await?;
    stage.teller.say(&format!("{TENANT} registers {url} for {} with a secret of its own: {id}", LEVRAGE.event_type));
    host_table(&stage.database).await?;
    rolled_back(stage).await?;
    committed(stage).await
}

/// The platform's own table, in the same file.
async fn host_table(database: &Sqlite) -> Result<()> {
    let statement = "CREATE TABLE call (id TEXT PRIMARY KEY, status TEXT NOT NULL)";
    execute(database, statement).await?;
    execute(database, "INSERT INTO call VALUES ('call-1042', 'in progress')").await
}

async fn execute(database: &Sqlite, statement: &'static str) -> Result<()> {
    let work = database.write(move |tx| {
        Box::pin(async move { sqlx::query(statement).execute(tx).await.map(drop).map_err(Undone::from) })
    });
    work.await.map_err(Failure::failed)
}

/// Ends the call and emits; the caller says whether it is committed.
async fn end_call(database: &Sqlite, commit: bool) -> Result<EventId, Undone> {
    let event = NewEvent::new(LEVRAGE.event_type, LEVRAGE.payload())
        .tenant(TENANT)
        .key(LEVRAGE.key)
        .idempotency_key(LEVRAGE.key);
    let work = database.write(move |tx| {
        Box::pin(async move {
            sqlx::query("UPDATE call SET status = 'completed' WHERE id = 'call-1042'").execute(&mut *tx).await?;
            let id = ringback_sqlite::emit(tx, &event).await?;
            if commit { Ok(id) } else { Err(Undone::OnPurpose) }
        })
    });
    work.await
}

async fn rolled_back(stage: &Stage) -> Result<()> {
    stage.teller.act("BEGIN; UPDATE call SET status = 'completed' …; emit CALL_ENDED; ROLLBACK");
    let undone = matches!(end_call(&stage.database, false).await, Err(Undone::OnPurpose));
    let accepted = stage.ledger().await?.events.accepted;
    stage.teller.check(undone && accepted == 0, "the call goes on, so nothing is owed: 0 events in the books");
    Ok(())
}

async fn committed(stage: &mut Stage) -> Result<()> {
    stage.teller.act("BEGIN; UPDATE call SET status = 'completed' …; emit CALL_ENDED; COMMIT");
    let id = end_call(&stage.database, true).await.map_err(Failure::failed)?.to_string();
    let since = Instant::now();
    stage.engine.wake();
    stage.teller.say(&format!("{id}, {} bytes, is owed from this moment on", LEVRAGE.payload().len()));
    let (deliveries, seen) = stage.watch(&id, since, |delivery| delivery.status != "pending").await?;
    let delivered = deliveries.len() == 1 && deliveries[0].status == "delivered" && seen.len() == 1;
    let claim = "one commit, one request; the body was signed and sent byte for byte (4.0 stayed 4.0)";
    let told = stage.teller.check(delivered, claim);
    stage.explain(told, &id, &deliveries).await
}

/// Why the transaction was not committed.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error("rolled back on purpose")]
    OnPurpose,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Host(#[from] sqlx::Error),
}
