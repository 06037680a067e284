//! A host that says itself what names mean: a resolver of its own in the engine's settings.
//!
//! ```sh
//! cargo run -p ringback-sqlite --example custom_resolver
//! ```
//!
//! Receivers inside a platform are often known to a service registry and not to the DNS. [`Registry`] answers for those and
//! hands every other name to the system's resolver. What it answers is vetted like any other address: a resolver widens
//! what names mean, never what may be dialled. The second endpoint shows that.

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use ringback::{
    Engine, Settings,
    attempt::{Attempt, ErrorClass},
    audit::{Actor, Who},
    egress::{Resolve, ResolveError, SystemResolver},
    endpoint::Draft,
    event::NewEvent,
    id::EventId,
    seal::MasterKeys,
};
use ringback_sqlite::Sqlite;
use ringback_testkit::{Receiver, Reply};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What a platform's own registry knows, before the DNS is asked.
struct Registry {
    services: HashMap<String, Vec<IpAddr>>,
    others: SystemResolver,
}

#[async_trait]
impl Resolve for Registry {
    async fn resolve(&self, host: &str) -> std::result::Result<Vec<IpAddr>, ResolveError> {
        // `crm.internal.` and `crm.internal` are the same name.
        let name = host.strip_suffix('.').unwrap_or(host);
        match self.services.get(name) {
            Some(addresses) => Ok(addresses.clone()),
            // A name of ours is not asked for outside: whoever answers there could be anybody.
            None if name.ends_with(".internal") => Err(ResolveError::NoAddress),
            None => self.others.resolve(host).await,
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}

pub(crate) async fn run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = Sqlite::open(folder.path().join("ringback.db")).await?;
    database.migrate().await?;

    let services = [
        ("crm.internal", Ipv4Addr::LOCALHOST),
        // Where clouds keep the credentials of a machine. Nobody has allowed it.
        ("astray.internal", Ipv4Addr::new(169, 254, 169, 254)),
    ];
    let services = services.map(|(name, address)| (name.to_owned(), vec![IpAddr::from(address)]));
    let registry = Registry { services: HashMap::from(services), others: SystemResolver::new()? };

    let mut settings = Settings::new(MasterKeys::parse(&MasterKeys::generate_text(), &[])?);
    settings.resolver = Some(Arc::new(registry));
    settings.egress.allow = vec!["127.0.0.0/8".parse()?];
    settings.egress.allow_http = true;
    let engine = Engine::open(Arc::new(database.clone()), settings).await?;
    let sending = engine.start().await?;

    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let by = Actor::from(Who::Host(None));
    for (key, url) in
        [("crm", receiver.url_under("crm.internal")), ("astray", "http://astray.internal/hook".to_owned())]
    {
        let draft = Draft {
            key: Some(key.to_owned()),
            url: Some(url),
            event_types: Some(vec![format!("{key}.called")]),
            ..Draft::default()
        };
        engine.create_endpoint(draft, &by).await?;
    }

    let events = vec![NewEvent::new("crm.called", "{}"), NewEvent::new("astray.called", "{}")];
    let accepted = engine.accept(events).await?;
    let request = receiver.next().await;
    println!("crm.internal     asked with host {}", request.header("host").unwrap_or("-"));
    let attempt = first_attempt(&engine, accepted[0].id).await?;
    println!("crm.internal     answered {}", attempt.status.unwrap_or_default());
    assert_eq!(attempt.status, Some(204));

    let attempt = first_attempt(&engine, accepted[1].id).await?;
    println!("astray.internal  {}", attempt.error.map_or("no error", ErrorClass::name));
    assert_eq!(attempt.error, Some(ErrorClass::BlockedDestination), "nothing is dialled that nobody has allowed");

    sending.shutdown(Duration::from_secs(10)).await;
    database.close().await?;
    Ok(())
}

/// The first attempt at the event's only delivery, once it is recorded.
async fn first_attempt(engine: &Engine, event: EventId) -> Result<Attempt> {
    for _ in 0..1_000 {
        if let Some(delivery) = engine.deliveries_of(event, 1).await?.first()
            && let Some(attempt) = engine.attempts(delivery.id).await?.into_iter().next()
        {
            return Ok(attempt);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("no attempt was made within 10 s".into())
}
