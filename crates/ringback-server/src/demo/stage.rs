//! The stage of the demo's story: a temporary SQLite file, the engine, its API on a real socket, and the receivers. The
//! chapters use the API over HTTP, as a platform would.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use ringback::{Engine, Sending, Settings, egress::Egress, seal::MasterKeys};
use ringback_admin::TrustedProxies;
use ringback_sqlite::Sqlite;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    receivers::{Arrival, Receiver, Temper},
    samples::Sample,
    teller::Teller,
};
use crate::{
    client::{
        Client, Remote,
        views::{Delivery, Event, Ledger, Page},
    },
    configuration::Secret,
    failure::{Failure, Result},
    screen, secrets,
    serve::listen::{self, Limits, Served},
};

/// The longest that a chapter waits for its deliveries: the delays below add up to a tenth of it.
const PATIENCE: Duration = Duration::from_secs(12);

/// Between two looks at deliveries that are not settled yet.
const LOOK: Duration = Duration::from_millis(20);

/// Three sends as in the vendors' documents, the waits between them a fraction of theirs.
pub(super) fn retry() -> Value {
    json!({ "max_attempts": 3, "delays_ms": [300, 900], "jitter": 0.2 })
}

/// Connections to the demo's API: one person and this story.
const CONNECTIONS_MAX: usize = 256;

/// The stage.
pub(super) struct Stage {
    pub(super) teller: Teller,
    pub(super) api: SocketAddr,
    pub(super) token: Secret,
    pub(super) database: Sqlite,
    pub(super) engine: Engine,
    pub(super) healthy: Receiver,
    pub(super) flaky: Receiver,
    pub(super) refusing: Receiver,
    client: Client,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    sending: Sending,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    folder: TempDir,
}

impl Stage {
    /// Starts everything; nobody listens at the addresses of the receivers in `without`.
    pub(super) async fn set(without: &[Temper]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ringback-demo-").tempdir().map_err(Failure::failed)?;
        let database = Sqlite::open(folder.path().join("ringback.db")).await.map_err(Failure::failed)?;
        database.migrate().await.map_err(Failure::failed)?;
        let engine = open_engine(&database).await?;
        let sending = engine.start().await.map_err(Failure::failed)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::failed)?;
        let api = listener.local_addr().map_err(Failure::failed)?;
        let token = Secret::new(secrets::random_token());
        let options = ringback_admin::Options::with_token(token.expose()).dashboard_on_loopback();
        let router = ringback_admin::router(engine.clone(), options);
        let limits =
            Limits { connections: CONNECTIONS_MAX, per_address: CONNECTIONS_MAX, proxies: TrustedProxies::default() };
        let served = Served { router, base_path: String::new(), limits };
        let (stop, stopped) = oneshot::channel();
        let end = async { drop(stopped.await) };
        let serving = tokio::spawn(listen::serve(listener, served, end, Duration::from_secs(1)));
        let (send, arrivals) = mpsc::unbounded_channel();
        let open = |temper: Temper| Receiver::open(temper, without.contains(&temper), send.clone());
        Ok(Self {
            teller: Teller::new(),
            healthy: open(Temper::Healthy).await?,
            flaky: open(Temper::Flaky).await?,
            refusing: open(Temper::Refusing).await?,
            client: Client::Remote(Remote::new(&format!("http://{api}"), token.clone())?),
            api,
            token,
            database,
            engine,
            arrivals,
            sending,
            stop,
            serving,
            folder,
        })
    }

    /// Where the database is.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Registers an endpoint and returns its id, and the secret if one was made.
    pub(super) async fn endpoint(&self, mut fields: Value) -> Result<(String, String)> {
        fields["retry"] = retry();
        let made = self.post("/v1/endpoints", Some(&fields)).await?;
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        Ok((text("id"), text("secret")))
    }

    /// Emits a sample by HTTP and returns the event's id.
    pub(super) async fn emit(&self, sample: &Sample, tenant: &str, destination: Option<&Value>) -> Result<String> {
        // The payload is put in as text: a JSON library could change its bytes.
        let (event_type, key, payload) = (sample.event_type, sample.key, sample.payload());
        let more = destination.map(|destination| format!(r#","destination":{destination}"#)).unwrap_or_default();
        let body = format!(
            r#"{{"type":"{event_type}","tenant":"{tenant}","key":"{key}","idempotency_key":"{key}"{more},"payload":{payload}}}"#
        );
        let answer = self.client.post("/v1/events", Some(body.into_bytes())).await?.accepted(false)?;
        let emitted: crate::client::views::Emitted = answer.read()?;
        Ok(emitted.id)
    }

    /// `POST` with a JSON body or none; the answer as JSON.
    pub(super) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(|body| body.to_string().into_bytes());
        self.client.post(path, body).await?.accepted(false)?.read()
    }

    /// One event with its routing and deliveries.
    pub(super) async fn event(&self, id: &str) -> Result<Event> {
        self.client.get(&format!("/v1/events/{id}"), &[]).await?.accepted(false)?.read()
    }

    /// The id of the only event with this key.
    pub(super) async fn event_of(&self, key: &str) -> Result<String> {
        let query = [("key", key.to_owned())];
        let mut page: Page<Event> = self.client.get("/v1/events", &query).await?.accepted(false)?.read()?;
        page.items.pop().map(|event| event.id).ok_or_else(|| Failure::failed(format!("no event has the key {key}")))
    }

    /// One delivery with its attempts.
    pub(super) async fn delivery(&self, id: &str) -> Result<Delivery> {
        self.client.get(&format!("/v1/deliveries/{id}"), &[]).await?.accepted(false)?.read()
    }

    /// The ledger.
    pub(super) async fn ledger(&self) -> Result<Ledger> {
        self.client.get("/v1/ledger", &[]).await?.accepted(false)?.read()
    }

    /// Tells what reaches the receivers until `settled` of the event's deliveries, then returns it all.
    pub(super) async fn watch(
        &mut self,
        event_id: &str,
        since: Instant,
        settled: impl Fn(&Delivery) -> bool,
    ) -> Result<(Vec<Delivery>, Vec<Arrival>)> {
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.tell_arrivals(since, &mut seen).await;
            let event = self.event(event_id).await?;
            let done = event.state != "unrouted" && event.deliveries.iter().all(&settled);
            if done || Instant::now() > deadline {
                self.tell_arrivals(since, &mut seen).await;
                let mut deliveries = Vec::new();
                for delivery in &event.deliveries {
                    deliveries.push(self.delivery(&delivery.id).await?);
                }
                return Ok((deliveries, seen));
            }
        }
    }

    /// If something did not come out as told, shows the engine's own records of it.
    pub(super) async fn explain(&self, as_told: bool, event_id: &str, deliveries: &[Delivery]) -> Result<()> {
        if !as_told {
            let event = self.event(event_id).await?;
            deliveries.iter().for_each(|delivery| screen::delivery(delivery, &event, self.teller.paint));
        }
        Ok(())
    }

    /// Tells what comes within one look.
    async fn tell_arrivals(&mut self, since: Instant, seen: &mut Vec<Arrival>) {
        let end = tokio::time::Instant::now() + LOOK;
        while let Ok(Some(arrival)) = tokio::time::timeout_at(end, self.arrivals.recv()).await {
            self.teller.arrival(&arrival, arrival.at.saturating_duration_since(since).as_millis());
            seen.push(arrival);
        }
    }

    /// Stops everything and removes the folder.
    pub(super) async fn strike(self) {
        let _ = self.stop.send(());
        let _ = self.serving.await;
        self.sending.shutdown(Duration::from_secs(1)).await;
    }
}

/// An engine that may reach receivers on this machine over plain HTTP, which it refuses otherwise.
async fn open_engine(database: &Sqlite) -> Result<Engine> {
    let keys = MasterKeys::parse(&MasterKeys::generate_text(), &[]).map_err(Failure::failed)?;
    let mut settings = Settings::new(keys);
    let loopback = "127.0.0.0/8".parse().map_err(Failure::failed)?;
    settings.egress = Egress { allow: vec![loopback], allow_http: true };
    Engine::open(std::sync::Arc::new(database.clone()), settings).await.map_err(Failure::failed)
}
