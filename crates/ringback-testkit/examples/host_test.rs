//! How a platform tests that its customers hear of the end of a call: its own code, a real engine, and a receiver that does
//! what the test says.
//!
//! ```sh
//! cargo test -p ringback-testkit --example host_test
//! ```
//!
//! Nothing is mocked: the events lie in a database, the requests go over sockets of this machine. A test takes a fraction of
//! a second, and nothing is left of it. What is here in `platform` and in `tests` would be two files of a platform, with
//! `ringback-testkit` among its dev-dependencies.

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

/// The platform's own code, which knows nothing of tests.
mod platform {
    use ringback::event::NewEvent;
    use ringback_sqlite::Sqlite;

    pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

    /// Made with the platform's other tables.
    pub(crate) async fn create_tables(database: &Sqlite) -> Result<()> {
        let create = "CREATE TABLE call (id TEXT PRIMARY KEY, seconds INTEGER)";
        let work =
            database.write(move |tx| Box::pin(async move { Ok(sqlx::query(create).execute(tx).await.map(drop)?) }));
        work.await
    }

    /// Ends a call. Whoever wants to know hears of it exactly if this has returned `Ok`.
    pub(crate) async fn end_call(database: &Sqlite, id: &str, seconds: i64) -> Result<()> {
        let id = id.to_owned();
        let work = database.write(move |tx| {
            Box::pin(async move {
                let payload = format!(r#"{{"call_id":"{id}","seconds":{seconds}}}"#);
                let event = NewEvent::new("call.ended", payload).key(&id);
                ringback_sqlite::emit(&mut *tx, &event).await?;
                // A call that has ended already is refused by its key, and the event that stands above goes with it.
                sqlx::query("INSERT INTO call VALUES (?1, ?2)").bind(&id).bind(seconds).execute(tx).await?;
                Ok(())
            })
        });
        work.await
    }
}

/// The platform itself, which has ended a call and whose engine is not running: what it owes waits in its database. That its
/// customers hear of it is for the tests below to show.
#[tokio::main]
async fn main() -> platform::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = ringback_sqlite::Sqlite::open(folder.path().join("calls.db")).await?;
    database.migrate().await?;
    platform::create_tables(&database).await?;
    platform::end_call(&database, "call-42", 180).await?;
    println!("call-42 has ended; `cargo test -p ringback-testkit --example host_test` shows who hears of it");
    Ok(database.close().await?)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use ringback::{
        Engine, Sending, Settings,
        audit::{Actor, Who},
        endpoint::{Draft, RetryDraft},
        seal::MasterKeys,
        store::Span,
    };
    use ringback_sqlite::Sqlite;
    use ringback_testkit::{Receiver, Reply};
    use serde_json::json;

    use super::platform::{Result, create_tables, end_call};

    /// A platform as it is in production, but for its size: its database, an engine that sends, one customer.
    struct Host {
        database: Sqlite,
        engine: Engine,
        sending: Sending,
        // Removed when the test is over, so it comes last.
        _folder: tempfile::TempDir,
    }

    impl Host {
        async fn with_customer(receiver: &Receiver) -> Result<Self> {
            let folder = tempfile::tempdir()?;
            let database = Sqlite::open(folder.path().join("calls.db")).await?;
            database.migrate().await?;
            create_tables(&database).await?;
            let mut settings = Settings::new(MasterKeys::parse(&MasterKeys::generate_text(), &[])?);
            settings.egress.allow = vec!["127.0.0.0/8".parse()?];
            settings.egress.allow_http = true;
            let engine = Engine::open(Arc::new(database.clone()), settings).await?;
            let sending = engine.start().await?;
            let draft = Draft {
                url: Some(receiver.url()),
                event_types: Some(vec!["call.ended".to_owned()]),
                // In production the pauses are 10 s and 60 s; a test does not wait for them.
                retry: Some(RetryDraft { delays_ms: Some(vec![50, 50]), ..RetryDraft::default() }),
                ..Draft::default()
            };
            engine.create_endpoint(draft, &Actor::from(Who::Host(None))).await?;
            Ok(Self { database, engine, sending, _folder: folder })
        }

        /// Ends as a process does, so that whatever was under way has been sent.
        async fn shut_down(self) -> Result<()> {
            self.sending.shutdown(Duration::from_secs(10)).await;
            Ok(self.database.close().await?)
        }
    }

    #[tokio::test]
    async fn the_end_of_a_call_is_told() -> Result<()> {
        let receiver = Receiver::start(|_| Reply::status(204)).await;
        let host = Host::with_customer(&receiver).await?;
        end_call(&host.database, "call-42", 180).await?;
        // Waits for what must come, and fails the test if it does not.
        let request = receiver.next().await;
        assert_eq!(request.json(), json!({ "call_id": "call-42", "seconds": 180 }));
        assert!(request.header("webhook-signature").is_some());
        host.shut_down().await
    }

    #[tokio::test]
    async fn a_call_that_could_not_be_ended_is_not_told() -> Result<()> {
        let receiver = Receiver::start(|_| Reply::status(204)).await;
        let host = Host::with_customer(&receiver).await?;
        end_call(&host.database, "call-42", 180).await?;
        assert!(end_call(&host.database, "call-42", 240).await.is_err(), "it has ended before");
        // Nothing could come any more that a test would have to wait for: the books say how many events there are.
        assert_eq!(host.engine.ledger(None, Span::default()).await?.events.accepted, 1);
        receiver.next().await;
        host.shut_down().await?;
        assert_eq!(receiver.requests(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_customer_who_fails_once_is_told_again_under_the_same_id() -> Result<()> {
        let receiver = Receiver::start(|request| Reply::status(if request.nth == 1 { 503 } else { 204 })).await;
        let host = Host::with_customer(&receiver).await?;
        end_call(&host.database, "call-42", 180).await?;
        let (first, second) = (receiver.next().await, receiver.next().await);
        assert_eq!(first.header("webhook-id"), second.header("webhook-id"), "by it a receiver knows what it has");
        assert_eq!(first.body, second.body);
        host.shut_down().await
    }
}
