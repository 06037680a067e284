//! The engine as its host holds it: a cheap handle to accept events, look things up, and send.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::RwLock;

use crate::{
    audit::{Action, Actor},
    deliver::{self, Delivering},
    directory::{Directory, Follower},
    emit::{self, Emitted, Intake},
    endpoint::Endpoint,
    event::NewEvent,
    id::{DeliveryId, EventId},
    invalid::Invalid,
    metrics::Metrics,
    operate::tally::Tallies,
    seal::MasterKeys,
    settings::Settings,
    store::{self, SharedStore},
};

/// The setting under which a store keeps the master key's check value.
const MASTER_KEY_CHECK: &str = "master_key_check";

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store did not answer as it should.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The store's secrets were sealed under another master key.
    #[error(
        "the master key is not the one that this database's secrets were sealed with; give that one, or give it among old_master_keys"
    )]
    WrongMasterKey,
    /// A certificate authority given for receivers cannot be used.
    #[error(transparent)]
    Roots(#[from] deliver::send::UnusableRoots),
    /// The prefix of Ringback's own headers cannot stand in a header's name.
    #[error("header_prefix must be letters, digits and hyphens: {0}")]
    HeaderPrefix(#[from] http::header::InvalidHeaderName),
    /// The system's configuration of name resolution cannot be used.
    #[error("name resolution could not be set up: {0}")]
    Resolver(#[from] deliver::send::ResolveError),
}

/// Why a test event was not sent.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// There is no such endpoint, or it is deleted.
    #[error("no such endpoint")]
    Absent,
    /// The event was not accepted.
    #[error(transparent)]
    Emit(#[from] emit::Error),
}

/// What all handles of one engine share.
pub(crate) struct Shared {
    pub(crate) store: SharedStore,
    pub(crate) settings: Settings,
    pub(crate) directories: Follower,
    pub(crate) metrics: Metrics,
    tallies: Tallies,
    /// Set while this process sends.
    delivering: RwLock<Weak<Delivering>>,
}

impl Shared {
    /// To be called before deliveries are committed that the lanes of this process may take in at once; `None` if it
    /// does not send, and whoever does will read them.
    pub(crate) fn begin_read(&self) -> Option<deliver::Read> {
        let delivering = self.delivering.read().upgrade()?;
        Some(delivering.begin_read())
    }
}

/// A handle to the engine; clones share everything.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    intake: Intake,
}

impl Engine {
    /// Opens an engine on a migrated store. It accepts events at once, and sends nothing before [`Engine::start`].
    ///
    /// # Errors
    /// When the store does not answer, or its secrets were sealed under another master key.
    pub async fn open(store: SharedStore, settings: Settings) -> Result<Self, OpenError> {
        let check = store.keep_setting(MASTER_KEY_CHECK, &settings.keys.check_value()).await?;
        if !settings.keys.opens_check(&check) {
            return Err(OpenError::WrongMasterKey);
        }
        let directories = Follower::new(Arc::clone(&store), Arc::clone(&settings.keys));
        let metrics = Metrics::default();
        let (tallies, delivering) = (Tallies::default(), RwLock::default());
        let shared = Arc::new(Shared { store, settings, directories, metrics, tallies, delivering });
        let intake = Intake::start(Arc::downgrade(&shared));
        Ok(Self { shared, intake })
    }

    /// Whether `keys` are those that the store's secrets were sealed with; `None` if nothing was sealed there yet.
    /// Unlike [`Engine::open`] it changes nothing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn knows_keys(store: &SharedStore, keys: &MasterKeys) -> store::Result<Option<bool>> {
        let check = store.setting(MASTER_KEY_CHECK).await?;
        Ok(check.map(|check| keys.opens_check(&check)))
    }

    /// Begins to route, send, record and keep house in this process, until [`Sending::shutdown`]. Several
    /// processes share the work.
    ///
    /// # Errors
    /// When TLS or name resolution cannot be set up.
    pub async fn start(&self) -> Result<Sending, OpenError> {
        let delivering = Delivering::start(self.clone()).await?;
        // A second start in one process would be a second node; hand-over goes to the first.
        let mut first = self.shared.delivering.write();
        if first.strong_count() == 0 {
            *first = Arc::downgrade(&delivering.delivering);
        }
        drop(first);
        Ok(Sending { running: delivering })
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &SharedStore {
        &self.shared.store
    }

    /// The settings it was opened with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// What this engine has counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    pub(crate) fn tallies(&self) -> &Tallies {
        &self.shared.tallies
    }

    pub(crate) fn directories(&self) -> &Follower {
        &self.shared.directories
    }

    /// The endpoints, by a version at least as new as what is committed now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn directory(&self) -> store::Result<Arc<Directory>> {
        self.shared.directories.current().await
    }

    /// Looks into the outbox now instead of at the next poll: for callers that have just committed an emit of
    /// their own. Does nothing in a process that does not send.
    pub fn wake(&self) {
        if let Some(delivering) = self.shared.delivering.read().upgrade() {
            delivering.wake();
        }
    }

    /// Accepts a request's events, all or none, in one commit with what other callers bring at the same moment.
    /// They are routed in it, too. Returns when they are durable.
    ///
    /// # Errors
    /// Findings, an idempotency conflict, or the store's failure; then none of them is stored.
    pub async fn accept(&self, events: Vec<NewEvent>) -> Result<Vec<Emitted>, emit::Error> {
        // Only a destination that inherits looks at endpoints here; routing does so in the commit, for all.
        let inherits = |event: &NewEvent| event.destination.as_ref().is_some_and(|to| to.endpoint_key.is_some());
        let directory = if events.iter().any(inherits) { self.directory().await? } else { Arc::default() };
        let mut invalid = Invalid::default();
        let mut prepared = Vec::with_capacity(events.len());
        for (index, event) in events.into_iter().enumerate() {
            match emit::prepare(event, &directory, self.settings()) {
                Ok(event) => prepared.push(event),
                Err(found) => invalid.absorb(&format!("/{index}"), found),
            }
        }
        let prepared = invalid.or(prepared).map_err(emit::Error::Invalid)?;
        self.intake.accept(prepared, None).await
    }

    /// Sends a real, signed test event to one endpoint, whatever it selects and also while it is not enabled.
    ///
    /// # Errors
    /// When there is no such endpoint, or the event is not accepted (pointers as in [`NewEvent::check`], under `/0`).
    pub async fn accept_test(
        &self,
        endpoint: &Endpoint,
        event_type: String,
        payload: Bytes,
        by: &Actor,
    ) -> Result<(EventId, DeliveryId), TestError> {
        let directory = self.directory().await.map_err(emit::Error::from)?;
        let endpoint = directory.endpoint(endpoint.id).ok_or(TestError::Absent)?;
        let prepared = emit::prepare_test(endpoint, event_type, payload, self.settings()).map_err(|found| {
            let mut invalid = Invalid::default();
            invalid.absorb("/0", found);
            emit::Error::Invalid(invalid)
        })?;
        let id = prepared.loaded.event.id;
        let record = by
            .asks(Action::TestEndpoint, endpoint.id, Some(&endpoint.tenant))
            .after(serde_json::json!({"event_id": id}));
        self.intake.accept(vec![prepared], Some(record)).await?;
        Ok((id, id.delivery(1)))
    }
}

/// The sending half of an engine, running. Dropping it stops the work without waiting for open requests.
pub struct Sending {
    running: deliver::Running,
}

impl Sending {
    /// Stops feeding, lets open requests end for up to `grace`, records what ended, gives back the rest.
    pub async fn shutdown(self, grace: Duration) {
        self.running.shutdown(grace).await;
    }
}
