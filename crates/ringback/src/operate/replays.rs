//! Creating, cancelling and looking up replays of many deliveries. The task that releases the deliveries is in `replay`.

use serde_json::json;

use crate::{
    Engine,
    audit::{Action, Actor},
    id::ReplayId,
    operate::once::{OnceKey, OtherContent},
    store::{self, Created, Page, ReplayFilter, ReplayListFilter, ReplayRow, ReplayState, ReplayToCreate, Replayed},
    time::Timestamp,
};

/// A replay of many, as it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReplay {
    /// Which deliveries it sends again.
    pub filter: ReplayFilter,
    /// Releases per second; as fast as possible if unset.
    pub rate_per_second: Option<f64>,
    /// Why, for the record.
    pub note: Option<String>,
    /// Only count: nothing is stored.
    pub dry_run: bool,
}

/// Why a replay was not created.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter's endpoint does not exist, or the replay that the idempotency key stands for was removed.
    #[error("no such endpoint, or no such replay any more")]
    Absent,
    /// Missing deliveries are asked for, of an endpoint that leaves events out by a filter.
    #[error("the endpoint has a filter, which a replay of missing deliveries cannot ask about each event")]
    Filtered,
    /// Another request came before under the same idempotency key.
    #[error(transparent)]
    OtherContent(#[from] OtherContent),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Engine {
    /// Begins a replay of the deliveries that its filter finds now, or only counts them. Under a key that was used for the
    /// same request, the answer is the replay that was created then, as it is now; a dry run takes no key.
    ///
    /// # Errors
    /// When the filter asks for missing deliveries of an endpoint that does not exist or has a filter, another request came before under
    /// the key, or the store does not answer.
    pub async fn create_replay(&self, new: NewReplay, once: Option<&OnceKey>, by: &Actor) -> Result<ReplayRow, Error> {
        let NewReplay { filter, rate_per_second, note, dry_run } = new;
        let (id, keys) = (ReplayId::new(Timestamp::now()), &self.settings().keys);
        let record = by
            .asks(Action::CreateReplay, id, filter.tenant.as_deref())
            .after(json!({"filter": filter, "rate_per_second": rate_per_second, "note": note}));
        let scope = self.replay_scope(filter).await?;
        if scope.filter.status == Replayed::Missing && scope.wanting.is_none() {
            return Err(Error::Absent);
        }
        // Which events it left out, only their payloads tell, and the store that looks for missing ones reads none.
        let wanting = scope.wanting.as_ref().map(|wanting| wanting.endpoint);
        let directory = self.directory().await?;
        let endpoint = wanting.and_then(|id| directory.endpoint(id));
        if endpoint.is_some_and(|endpoint| endpoint.spec.filter.is_some()) {
            return Err(Error::Filtered);
        }
        let making = once.map(|once| once.making(id.uuid(), keys));
        let replay = ReplayToCreate { id, scope, rate_per_second, note, dry_run, once: making };
        let row = match self.store().create_replay(&replay, &record).await? {
            Created::Replay(row) => *row,
            Created::Before(before) => {
                // Without a key this cannot happen.
                let made = once.map_or(Ok(before.object), |once| once.same_as(&before, keys))?;
                self.replay(ReplayId::from_uuid(made)).await?.ok_or(Error::Absent)?
            }
        };
        if !dry_run {
            self.wake();
        }
        Ok(row)
    }

    /// Replays, newest first: at most `limit` of those with an id before `before`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn replays(
        &self,
        filter: &ReplayListFilter<'_>,
        before: Option<ReplayId>,
        limit: u32,
    ) -> store::Result<Page<ReplayRow, ReplayId>> {
        self.store().list_replays(filter, before, limit).await
    }

    /// One replay, with its progress.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn replay(&self, id: ReplayId) -> store::Result<Option<ReplayRow>> {
        self.store().replay(id).await
    }

    /// Cancels a replay; deliveries that were released stay released. Returns the replay as it is now, unchanged if it had
    /// ended; `None` if there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn cancel_replay(&self, id: ReplayId, by: &Actor) -> store::Result<Option<ReplayRow>> {
        let Some(row) = self.replay(id).await? else { return Ok(None) };
        let record = by
            .asks(Action::CancelReplay, id, row.filter.tenant.as_deref())
            .before(json!({"state": ReplayState::Running}))
            .after(json!({"state": ReplayState::Cancelled}));
        self.store().cancel_replay(id, &record).await
    }
}
