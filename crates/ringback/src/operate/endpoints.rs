//! Creating, changing, pausing, testing and deleting endpoints.
//!
//! A change is answered once it has taken effect on this node; other nodes follow within a second. A change is made to the
//! version that was read: if another change came first, it is made again on top of that one, unless the caller named the
//! version that it meant.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    Engine, TestError,
    audit::{Action, Actor, Who},
    delivery::Status,
    endpoint::{Broken, Draft, Endpoint, Resolved, StoredEndpoint, WouldDestroy, broken, merge_patch},
    event::{TEST_TYPE, VERIFICATION_TYPE},
    id::{DeliveryId, EndpointId, EventId},
    invalid::{Invalid, Warning},
    operate::{
        edits::{ROUNDS_MAX, wait_before},
        once::{OnceKey, OtherContent},
    },
    settings::Settings,
    store::{self, EndpointFilter, Updated},
    time::Timestamp,
};

/// The payload of a test event, if the caller gives none.
const TEST_PAYLOAD: &[u8] = br#"{"test":true}"#;

/// The action that was asked for, and who asked.
pub(super) type Asked<'a> = (Action, &'a Actor);

/// The result of a change.
#[derive(Debug)]
pub struct Made {
    /// The endpoint now.
    pub endpoint: Endpoint,
    /// Whether the change created it.
    pub created: bool,
    /// The signing secret, if this change set or generated it. It is never shown again.
    pub secret: Option<String>,
    /// What was accepted but is probably a mistake.
    pub warnings: Vec<Warning>,
}

/// Why an endpoint was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are wrong.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// Another endpoint of the tenant has the key.
    #[error("another endpoint of the tenant has this key")]
    KeyTaken,
    /// It has changed since the version that the caller saw.
    #[error("the endpoint has changed since")]
    VersionMismatch,
    /// A rotation has promised a receiver what this change would end early.
    #[error("{0}")]
    OverlapInUse(Broken),
    /// Other nodes changed it first, again and again. It is as they left it; the same request may succeed later.
    #[error("the endpoint is being changed by too many at once")]
    Contended,
    /// There is no such endpoint, or it is deleted.
    #[error("no such endpoint")]
    Absent,
    /// Another request came before under the same idempotency key.
    #[error(transparent)]
    OtherContent(#[from] OtherContent),
    /// It cannot be read, and the change would destroy what the right master key could still open.
    #[error(transparent)]
    Unreadable(#[from] WouldDestroy),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Engine {
    /// Creates an endpoint.
    ///
    /// # Errors
    /// Findings in the draft, a key that is taken, or the store's failure.
    pub async fn create_endpoint(&self, draft: Draft, by: &Actor) -> Result<Made, Error> {
        self.create_endpoint_once(draft, None, by).await
    }

    /// Creates an endpoint, unless the same request has created it before: then returns the endpoint as it is now, or was
    /// when it was deleted, without its secret.
    ///
    /// # Errors
    /// As [`Engine::create_endpoint`]; also when another request came before under the key.
    pub async fn create_endpoint_once(&self, draft: Draft, once: Option<&OnceKey>, by: &Actor) -> Result<Made, Error> {
        let resolved = self.resolve(draft)?;
        let now = Timestamp::now();
        let endpoint = Endpoint {
            id: EndpointId::new(now),
            tenant: resolved.tenant.unwrap_or_else(|| crate::event::DEFAULT_TENANT.to_owned()),
            key: resolved.key,
            spec: resolved.spec,
            credentials: Arc::new(resolved.credentials),
            enabled: resolved.enabled,
            disabled_reason: None,
            paused: false,
            must_be_verified: false,
            version: 0,
            created_at: now,
            updated_at: now,
            unreadable: None,
        };
        let stored = endpoint.to_stored(&self.settings().keys);
        let record = by.asks(Action::CreateEndpoint, endpoint.id, Some(&endpoint.tenant)).after(endpoint.audited(None));
        let keys = &self.settings().keys;
        let making = once.map(|once| once.making(endpoint.id.uuid(), keys));
        let most = self.settings().max_endpoints_per_tenant;
        let updated = self.store().create_endpoint(&stored, most, making.as_ref(), &record).await?;
        if let (Updated::Before(before), Some(once)) = (&updated, once) {
            let id = EndpointId::from_uuid(once.same_as(before, keys)?);
            let found = self.store().load_endpoints(&EndpointFilter::Ids(vec![id])).await?;
            let endpoint = Endpoint::open(found.into_iter().next().ok_or(Error::Absent)?, keys);
            return Ok(Made { endpoint, created: true, secret: None, warnings: resolved.warnings });
        }
        let endpoint = self.settled(updated).await?;
        Ok(Made { endpoint, created: true, secret: resolved.generated_or_given_secret, warnings: resolved.warnings })
    }

    /// Creates the tenant's endpoint with this key, or replaces its values, as the draft says. A draft that says nothing
    /// about the secret keeps the present one.
    ///
    /// # Errors
    /// Findings in the draft, a version other than `seen`, or the store's failure.
    pub async fn put_endpoint(
        &self,
        tenant: &str,
        key: &str,
        mut draft: Draft,
        seen: Option<i64>,
        by: &Actor,
    ) -> Result<Made, Error> {
        address(&mut draft, tenant, key)?;
        for round in 0..ROUNDS_MAX {
            wait_before(round).await;
            let found = self.store().endpoint_by_key(tenant, key).await?;
            let _turn = match &found {
                Some(stored) => Some(self.turn_of(stored.id).await),
                None => None,
            };
            let found = match self.as_it_is(found).await {
                // The endpoint was deleted or renamed while this edit waited for its turn.
                Err(Error::Absent) => continue,
                found => found?,
            };
            let outcome = match found {
                Some(stored) => {
                    let current = Endpoint::open(stored, &self.settings().keys);
                    self.replace(current, draft.clone(), seen, (Action::ReplaceEndpoint, by)).await
                }
                // Findings in the draft are reported before the version (RFC 9110 §13.2.1).
                None if seen.is_some() => {
                    self.resolve(draft)?;
                    return Err(Error::VersionMismatch);
                }
                None => self.create_endpoint(draft.clone(), by).await,
            };
            match outcome {
                Err(Error::KeyTaken | Error::Absent) => {}
                Err(Error::VersionMismatch) if seen.is_none() => {}
                settled => return settled,
            }
        }
        Err(Error::Contended)
    }

    /// Applies a JSON merge patch (RFC 7396).
    ///
    /// # Errors
    /// As [`Engine::put_endpoint`]; also when there is no such endpoint, or the new key is taken.
    pub async fn patch_endpoint(
        &self,
        id: EndpointId,
        patch: Value,
        seen: Option<i64>,
        by: &Actor,
    ) -> Result<Made, Error> {
        let _turn = self.turn_of(id).await;
        for round in 0..ROUNDS_MAX {
            wait_before(round).await;
            let current = self.live_endpoint(id).await?;
            let draft = merge_patch(&current, patch.clone())?;
            match self.replace(current, draft, seen, (Action::UpdateEndpoint, by)).await {
                Err(Error::VersionMismatch) if seen.is_none() => {}
                settled => return settled,
            }
        }
        Err(Error::Contended)
    }

    /// Pauses or resumes an endpoint; nothing changes if it is so already.
    ///
    /// # Errors
    /// When there is no such endpoint, or the store fails.
    pub async fn set_paused(&self, id: EndpointId, paused: bool, by: &Actor) -> Result<Endpoint, Error> {
        let action = if paused { Action::PauseEndpoint } else { Action::ResumeEndpoint };
        let _turn = self.turn_of(id).await;
        for round in 0..ROUNDS_MAX {
            wait_before(round).await;
            let current = self.live_endpoint(id).await?;
            if current.paused == paused {
                return Ok(current);
            }
            match self.write(&current, Endpoint { paused, ..current.clone() }, (action, by)).await {
                Err(Error::VersionMismatch) => {}
                settled => return settled,
            }
        }
        Err(Error::Contended)
    }

    /// Deletes an endpoint: its pending deliveries are cancelled, its dead letters stay readable.
    ///
    /// # Errors
    /// When there is no such endpoint, its version is not `seen`, or the store fails.
    pub async fn delete_endpoint(&self, id: EndpointId, seen: Option<i64>, by: &Actor) -> Result<(), Error> {
        let _turn = self.turn_of(id).await;
        for round in 0..ROUNDS_MAX {
            wait_before(round).await;
            let current = self.live_endpoint(id).await?;
            if seen.is_some_and(|seen| seen != current.version) {
                return Err(Error::VersionMismatch);
            }
            let record = by.asks(Action::DeleteEndpoint, id, Some(&current.tenant)).before(current.audited(None));
            let updated = self.store().delete_endpoint(id, Some(current.version), &record).await?;
            if let Updated::Deleted(_, cancelled) = updated {
                self.metrics().count_deliveries(Status::Cancelled, cancelled);
            }
            match self.settled(updated).await {
                Err(Error::VersionMismatch) if seen.is_none() => {}
                settled => return settled.map(drop),
            }
        }
        Err(Error::Contended)
    }

    /// Disables an endpoint because of what came of requests made under version `seen`, unless it has changed since, or is
    /// disabled or deleted already. True if it had changed.
    pub(crate) async fn disable(&self, id: EndpointId, seen: i64, reason: &str) -> Result<bool, Error> {
        let current = match self.live_endpoint(id).await {
            Err(Error::Absent) => return Ok(false),
            current => current?,
        };
        if current.version != seen {
            return Ok(true);
        }
        let record = Actor::from(Who::Engine)
            .asks(Action::DisableEndpoint, id, Some(&current.tenant))
            .before(json!({"enabled": true}))
            .after(json!({"enabled": false, "disabled_reason": reason}));
        self.store().disable_endpoint(id, seen, reason, &record).await?;
        Ok(false)
    }

    /// Sends a real, signed event to one endpoint, whatever its selectors, and even if it is not enabled.
    ///
    /// # Errors
    /// When there is no such endpoint, or type or payload are refused (pointers begin with `/0`).
    pub async fn send_test(
        &self,
        id: EndpointId,
        event_type: Option<String>,
        payload: Option<Bytes>,
        once: Option<&OnceKey>,
        by: &Actor,
    ) -> Result<(EventId, DeliveryId), TestError> {
        let directory = self.directory().await.map_err(crate::emit::Error::from)?;
        let endpoint = directory.endpoint(id).ok_or(TestError::Absent)?;
        let event_type = event_type.unwrap_or_else(|| TEST_TYPE.to_owned());
        let payload = payload.unwrap_or(Bytes::from_static(TEST_PAYLOAD));
        if event_type == VERIFICATION_TYPE {
            let why = "is the type of a verification, whose challenge nobody may choose: verify the endpoint instead";
            return Err(crate::emit::Error::Invalid(Invalid::one("/0/type", "reserved", why)).into());
        }
        self.accept_test(endpoint, event_type, payload, once, (Action::TestEndpoint, by)).await
    }

    /// An endpoint as the store has it now.
    pub(super) async fn live_endpoint(&self, id: EndpointId) -> Result<Endpoint, Error> {
        let found = self.store().load_endpoints(&EndpointFilter::Ids(vec![id])).await?;
        let stored = found.into_iter().find(|stored| stored.deleted_at.is_none()).ok_or(Error::Absent)?;
        Ok(Endpoint::open(stored, &self.settings().keys))
    }

    /// Reads again an endpoint that was found before this change had its turn.
    ///
    /// # Errors
    /// [`Error::Absent`] when it was deleted or renamed meanwhile.
    async fn as_it_is(&self, found: Option<StoredEndpoint>) -> Result<Option<StoredEndpoint>, Error> {
        let Some(found) = found else { return Ok(None) };
        let now = self.store().load_endpoints(&EndpointFilter::Ids(vec![found.id])).await?.into_iter().next();
        let same = now.filter(|now| now.deleted_at.is_none() && now.key == found.key);
        same.map(Some).ok_or(Error::Absent)
    }

    /// Gives an endpoint the values of a draft.
    async fn replace(
        &self,
        current: Endpoint,
        draft: Draft,
        seen: Option<i64>,
        asked: Asked<'_>,
    ) -> Result<Made, Error> {
        let repair = current.check_repair(&draft)?;
        let Settings { egress, header_prefix, .. } = self.settings();
        let mut resolved = draft.resolve_for(&current, egress, header_prefix)?.warned(Timestamp::now());
        if resolved.tenant.as_ref().is_some_and(|tenant| *tenant != current.tenant) {
            return Err(Invalid::one("/tenant", "immutable", "cannot be changed").into());
        }
        // The version is checked last, so that findings in the draft are reported first (RFC 9110 §13.2.1).
        if seen.is_some_and(|seen| seen != current.version) {
            return Err(Error::VersionMismatch);
        }
        let secret = secret_to_tell(&current, &mut resolved);
        let mut warnings = std::mem::take(&mut resolved.warnings);
        let changed = apply(&current.as_configured(), resolved);
        let (before, after) =
            ((&current.spec.scheme, &*current.credentials), (&changed.spec.scheme, &*changed.credentials));
        if let Some(broken) = broken(before, after, Timestamp::now()) {
            return Err(Error::OverlapInUse(broken));
        }
        // The same request again changes nothing: no new version, no connection dropped.
        let is_same = repair.is_none() && is_same(&current, &changed);
        let endpoint = if is_same { current } else { self.write(&current, changed, asked).await? };
        warnings.extend(repair);
        Ok(Made { endpoint, created: false, secret, warnings })
    }

    /// Writes `changed`, if the stored endpoint still is `current`.
    pub(super) async fn write(
        &self,
        current: &Endpoint,
        changed: Endpoint,
        (action, by): Asked<'_>,
    ) -> Result<Endpoint, Error> {
        let record = by
            .asks(action, changed.id, Some(&changed.tenant))
            .before(current.audited(None))
            .after(changed.audited(Some(current)));
        let updated = self.store().update_endpoint(&changed.to_stored(&self.settings().keys), &record).await?;
        self.settled(updated).await
    }

    /// The result of a change, once this node's directory has it.
    async fn settled(&self, updated: Updated) -> Result<Endpoint, Error> {
        match updated {
            Updated::Done(stored) | Updated::Deleted(stored, _) => {
                self.directory().await?;
                Ok(Endpoint::open(*stored, &self.settings().keys))
            }
            Updated::KeyTaken => Err(Error::KeyTaken),
            Updated::TooMany => {
                let most = self.settings().max_endpoints_per_tenant;
                let detail = format!("has {most} endpoints already, as many as a tenant may have");
                Err(Invalid::one("/tenant", "too_many_endpoints", detail).into())
            }
            // `Before` cannot happen: an update is not carried out under an idempotency key.
            Updated::VersionMismatch | Updated::Before(_) => Err(Error::VersionMismatch),
            Updated::Absent => Err(Error::Absent),
        }
    }

    fn resolve(&self, draft: Draft) -> Result<Resolved, Invalid> {
        let resolved = draft.resolve(&self.settings().egress, &self.settings().header_prefix)?;
        Ok(resolved.warned(Timestamp::now()))
    }
}

/// The path of a PUT names tenant and key; the body may repeat them, but not name others.
fn address(draft: &mut Draft, tenant: &str, key: &str) -> Result<(), Invalid> {
    let mut invalid = Invalid::default();
    for (pointer, given, path) in [("/tenant", &mut draft.tenant, tenant), ("/key", &mut draft.key, key)] {
        if given.as_deref().is_some_and(|given| given != path) {
            invalid.add(pointer, "conflict", "differs from the path");
        }
        *given = Some(path.to_owned());
    }
    invalid.or(())
}

/// The secret that a change set or generated. If it was the current one before, it is not shown again, and the older secrets
/// that sign beside it stay.
fn secret_to_tell(current: &Endpoint, resolved: &mut Resolved) -> Option<String> {
    let secret = resolved.generated_or_given_secret.take();
    let before = &current.credentials.secrets;
    if let (Some(old), Some(new)) = (before.first(), resolved.credentials.secrets.first())
        && old.text == new.text
    {
        resolved.credentials.secrets.clone_from(before);
        return None;
    }
    secret
}

fn apply(current: &Endpoint, resolved: Resolved) -> Endpoint {
    let disabled_reason = current.disabled_reason.clone().filter(|_| !resolved.enabled);
    Endpoint {
        key: resolved.key,
        spec: resolved.spec,
        credentials: Arc::new(resolved.credentials),
        enabled: resolved.enabled,
        disabled_reason,
        ..current.clone()
    }
}

fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    one.key == other.key
        && one.spec == other.spec
        && one.credentials == other.credentials
        && one.enabled == other.enabled
        && one.disabled_reason == other.disabled_reason
}
