//! The engine's handle for hosts, cheap to clone: to emit events, look things up, and send.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::RwLock;

use crate::{
    audit::{Action, Actor},
    compute::compute,
    deliver::{self, Delivering},
    directory::{Directory, Follower},
    egress,
    emit::{self, Emitted, Intake},
    endpoint::{Endpoint, WouldDestroy},
    event::NewEvent,
    id::{DeliveryId, EventId},
    invalid::Invalid,
    metrics::{Metrics, Sums},
    operate::{
        alarms::{Runs, Subscribers},
        clocks::{ClockDoubt, Clocks},
        edits::Turns,
        once::{OnceKey, OtherContent},
        readiness::{Abstinence, Writes},
        refresh::Sampler,
        tally::Tallies,
    },
    route::FailedFilters,
    seal::MasterKeys,
    settings::Settings,
    store::{self, EndpointFilter, SharedStore},
    time::Timestamp,
};

/// The setting under which a store keeps the master key's check value.
pub(crate) const MASTER_KEY_CHECK: &str = "master_key_check";

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store did not answer as it should.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The store's secrets were sealed under another master key.
    #[error(
        "the master key is not the one that this database's secrets were sealed with; give that one, or give it among old_master_keys (if it is lost for good: `ringback rekey --key-is-lost`)"
    )]
    WrongMasterKey,
    /// A certificate authority given for receivers cannot be used.
    #[error(transparent)]
    Roots(#[from] egress::UnusableRoots),
    /// The prefix of Ringback's own headers cannot stand in a header's name.
    #[error("header_prefix must be letters, digits and hyphens: {0}")]
    HeaderPrefix(#[from] http::header::InvalidHeaderName),
    /// The system's configuration of name resolution cannot be used.
    #[error("name resolution could not be set up: {0}")]
    Resolver(#[from] egress::ResolveError),
}

/// Why a test event was not sent.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// There is no such endpoint, or it is deleted.
    #[error("no such endpoint")]
    Absent,
    /// Another request came before under the same key.
    #[error(transparent)]
    OtherContent(#[from] OtherContent),
    /// It cannot be read, so its test could not be signed.
    #[error(transparent)]
    Unreadable(#[from] WouldDestroy),
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
    pub(crate) sums: Sums,
    sampler: Sampler,
    pub(crate) clocks: Clocks,
    tallies: Tallies,
    turns: Turns,
    writes: Writes,
    runs: Runs,
    subscribers: Subscribers,
    pub(crate) failed_filters: FailedFilters,
    /// Set while this process sends.
    delivering: RwLock<Weak<Delivering>>,
}

impl Shared {
    /// To be called before deliveries are committed that this process's lanes may admit directly; `None` if this process
    /// does not send: then the nodes that send read them from the database.
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
        let writes = Writes::default();
        let (refusals, damage) = (Arc::clone(&writes.refusals), Arc::clone(&writes.damage));
        let metrics = Metrics::showing(settings.metrics_per_endpoint);
        let durations = metrics.store_durations();
        let store: SharedStore = Arc::new(store::Watched::new(store, settings.lease, refusals, damage, durations));
        let check = store.keep_setting(MASTER_KEY_CHECK, &settings.keys.check_value()).await?;
        if !settings.keys.opens_check(&check) {
            return Err(OpenError::WrongMasterKey);
        }
        let directories = Follower::new(Arc::clone(&store), Arc::clone(&settings.keys), settings.require_verification);
        let (tallies, turns, sampler) = (Tallies::default(), Turns::default(), Sampler::default());
        let (clocks, delivering) = (Clocks::default(), RwLock::default());
        let (runs, subscribers) = (Runs::default(), Subscribers::default());
        let shared = Arc::new(Shared {
            store,
            settings,
            directories,
            metrics,
            sums: Sums::default(),
            sampler,
            clocks,
            tallies,
            turns,
            writes,
            runs,
            subscribers,
            failed_filters: FailedFilters::default(),
            delivering,
        });
        let intake = Intake::start(Arc::downgrade(&shared));
        Ok(Self { shared, intake })
    }

    /// Whether no engine was ever opened on the store, so that nothing in it is sealed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_new(store: &SharedStore) -> store::Result<bool> {
        Ok(store.setting(MASTER_KEY_CHECK).await?.is_none())
    }

    /// How many live endpoints are `unreadable`: `keys` do not open their credentials, or their settings cannot be read.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count_unreadable(store: &SharedStore, keys: &MasterKeys) -> store::Result<usize> {
        let live = store.load_endpoints(&EndpointFilter::Live).await?;
        Ok(live.into_iter().filter_map(|stored| Endpoint::open(stored, keys).unreadable).count())
    }

    /// Whether the store's check value still needs an old key. Then other sealed values may need it, too, until a rekey.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn needs_old_keys(store: &SharedStore, keys: &MasterKeys) -> store::Result<bool> {
        Ok(store.setting(MASTER_KEY_CHECK).await?.is_some_and(|check| !keys.is_current(&check)))
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

    /// This process sends from now on. A second start in the same process is a second node; deliveries are passed directly
    /// only to the first one's lanes.
    pub(crate) fn sends_by(&self, delivering: &Arc<Delivering>) {
        let mut first = self.shared.delivering.write();
        if first.strong_count() == 0 {
            *first = Arc::downgrade(delivering);
        }
    }

    pub(crate) fn store(&self) -> &SharedStore {
        &self.shared.store
    }

    /// The settings it was opened with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The figures of this engine, for monitoring.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// The endpoints at which nothing succeeds, as this process sees it.
    pub(crate) fn runs(&self) -> &Runs {
        &self.shared.runs
    }

    pub(crate) fn failed_filters(&self) -> &FailedFilters {
        &self.shared.failed_filters
    }

    pub(crate) fn subscribers(&self) -> &Subscribers {
        &self.shared.subscribers
    }

    pub(crate) fn sums(&self) -> &Sums {
        &self.shared.sums
    }

    pub(crate) fn sampler(&self) -> &Sampler {
        &self.shared.sampler
    }

    /// How many shards this process owns now.
    pub(crate) fn registered_as(&self) -> Option<store::NodeId> {
        self.shared.delivering.read().upgrade()?.node()
    }

    pub(crate) fn shards_owned(&self) -> usize {
        self.shared.delivering.read().upgrade().map_or(0, |delivering| delivering.shards_owned())
    }

    /// Why no old rows are dropped for now: a clock may be wrong. A process that sends checks every 10 s; `None` in a
    /// process that does not send.
    #[must_use]
    pub fn clock_doubt(&self) -> Option<ClockDoubt> {
        self.shared.clocks.doubt()
    }

    pub(crate) fn clocks(&self) -> &Clocks {
        &self.shared.clocks
    }

    pub(crate) fn tallies(&self) -> &Tallies {
        &self.shared.tallies
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.shared.turns
    }

    pub(crate) fn writes(&self) -> &Writes {
        &self.shared.writes
    }

    /// The stage of this process's pipeline that has not come round for too long, in words, if it owns shards.
    pub(crate) fn stalled(&self) -> Option<String> {
        let delivering = self.shared.delivering.read().upgrade()?;
        delivering.stalled().filter(|_| delivering.owns_any()).map(|stalled| stalled.to_string())
    }

    /// Until when this process takes no shards, because its pipeline stood still while the database answered. `None` if
    /// it may take shards, or does not send.
    #[must_use]
    pub fn abstinence(&self) -> Option<Abstinence> {
        let left = self.shared.delivering.read().upgrade()?.abstains_for()?;
        Some(Abstinence { until: Timestamp::now() + left })
    }

    /// How many deliveries were picked in this process, and are not being sent yet.
    #[cfg(test)]
    pub(crate) fn picked_unsent(&self) -> usize {
        let picked = self.shared.delivering.read().upgrade().map_or(0, |delivering| delivering.picked());
        picked.saturating_sub(usize::try_from(self.metrics().requests_open()).unwrap_or(usize::MAX))
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

    /// Stores and routes a request's events, all or none, in one commit with requests of other callers at the same moment.
    /// Returns when the events are durable.
    ///
    /// # Errors
    /// Findings, an idempotency conflict, or the store's failure; then none of them is stored.
    pub async fn accept(&self, events: Vec<NewEvent>) -> Result<Vec<Emitted>, emit::Error> {
        // The directory is needed here only for destinations that inherit; routing reads it again for the commit.
        let inherits = |event: &NewEvent| event.destination.as_ref().is_some_and(|to| to.endpoint_key.is_some());
        let directory = if events.iter().any(inherits) { self.directory().await? } else { Arc::default() };
        let shared = Arc::clone(&self.shared);
        let now = shared.clocks.of_event(&*shared.store).await;
        let effort = events.iter().map(emit::effort).sum();
        let prepared = compute(effort, move || emit::prepare_all(events, now, &directory, &shared.settings));
        let prepared = prepared.await.map_err(emit::Error::Invalid)?;
        self.intake.accept(prepared, None, None).await
    }

    /// Stores and routes an operational event, whose type nobody else may use.
    pub(crate) async fn accept_own(&self, event: NewEvent) -> Result<Vec<Emitted>, emit::Error> {
        let now = self.shared.clocks.of_event(&**self.store()).await;
        let prepared = emit::prepare_own(event, now, self.settings()).map_err(emit::Error::Invalid)?;
        self.intake.accept(vec![prepared], None, None).await
    }

    /// Sends a real, signed test event to one endpoint, whatever its selectors, and even if it is not enabled. Under a key
    /// that was used for the same request, returns that request's answer again.
    ///
    /// # Errors
    /// When there is no such endpoint, the event is not accepted (pointers as in [`NewEvent::check`], under `/0`), or
    /// another request came under the key.
    pub(crate) async fn accept_test(
        &self,
        endpoint: &Endpoint,
        event_type: String,
        payload: Bytes,
        once: Option<&OnceKey>,
        (action, by): (Action, &Actor),
    ) -> Result<(EventId, DeliveryId), TestError> {
        let directory = self.directory().await.map_err(emit::Error::from)?;
        let endpoint = directory.endpoint(endpoint.id).ok_or(TestError::Absent)?;
        endpoint.readable()?;
        let now = self.shared.clocks.of_event(&**self.store()).await;
        let prepared = emit::prepare_test(endpoint, event_type, payload, now, self.settings()).map_err(|found| {
            let mut invalid = Invalid::default();
            invalid.absorb("/0", found);
            emit::Error::Invalid(invalid)
        })?;
        let id = prepared.loaded.event.id;
        let record = by.asks(action, endpoint.id, Some(&endpoint.tenant)).after(serde_json::json!({"event_id": id}));
        let keys = &self.settings().keys;
        let making = once.map(|once| once.making(id.uuid(), keys));
        let id = match (self.intake.accept(vec![prepared], Some(record), making).await, once) {
            (Err(emit::Error::DoneBefore(before)), Some(once)) => EventId::from_uuid(once.same_as(&before, keys)?),
            (accepted, _) => accepted.map(|_| id)?,
        };
        Ok((id, id.delivery(1)))
    }
}
