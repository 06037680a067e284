//! Rekeying, after the master key was changed: all sealed values are sealed anew under the current key.
//!
//! A rekey may run beside nodes that work, in bounded steps, and may be interrupted and begun again at any time: it passes
//! over values that the current key sealed. Two kinds of rows are missed at first: those that change between being read and
//! written, and those that a node seals meanwhile whose current key still is an old one. So the rekey looks at everything
//! again, until a look finds nothing to do. Only then is the check value sealed anew; the old key is no longer needed.
//!
//! No version is raised and no change announced, since no endpoint changes.

use serde_json::json;

use crate::{
    Engine,
    audit::{Action, Actor},
    endpoint::{reseal_credentials, reseal_destination},
    engine::MASTER_KEY_CHECK,
    id::{EndpointId, EventId},
    operate::once,
    seal::{MasterKeys, OpenError},
    store::{self, OnceName, Resealed, SharedStore},
};

/// Endpoints of one step.
const ENDPOINTS: u32 = 500;

/// Events that one step looks at. Few of them have an inline destination.
const EVENTS: u32 = 2_000;

/// Requests of one step.
const REQUESTS: u32 = 2_000;

/// How often everything is looked at. More looks are needed only while a node goes on sealing under an older key.
const LOOKS_MAX: u32 = 8;

/// The progress and the result of a rekey.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rekeyed {
    /// Endpoints, deleted ones included.
    pub endpoints: Counts,
    /// Inline destinations of stored events.
    pub destinations: Counts,
    /// Requests that were carried out once, under an `Idempotency-Key`. One that no master key opens counts as another
    /// request, and is removed within a day.
    pub requests: Counts,
    /// How often everything was looked at, including the present look.
    pub looks: u32,
    /// Whether the last look found nothing that an older key had sealed: the old keys are no longer needed.
    pub is_complete: bool,
}

/// Counts of one kind of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows looked at in the present look.
    pub looked_at: u64,
    /// Rows sealed anew, over all looks.
    pub resealed: u64,
    /// Rows that no configured key opens, in the present look. They stay as they are.
    pub unopened: u64,
    /// Rows that an older key had sealed, in the present look.
    found: u64,
}

impl Rekeyed {
    /// Rows that were sealed anew.
    #[must_use]
    pub const fn resealed(&self) -> u64 {
        self.endpoints.resealed + self.destinations.resealed + self.requests.resealed
    }

    /// Rows that no configured key opens, and that stay unreadable until an operator acts.
    #[must_use]
    pub const fn unopened(&self) -> u64 {
        self.endpoints.unopened + self.destinations.unopened
    }

    /// Rows that an older key had sealed, in the present look.
    const fn found(&self) -> u64 {
        self.endpoints.found + self.destinations.found + self.requests.found
    }

    fn look_again(&mut self) {
        self.looks += 1;
        for counts in [&mut self.endpoints, &mut self.destinations, &mut self.requests] {
            *counts = Counts { resealed: counts.resealed, ..Counts::default() };
        }
    }
}

impl Counts {
    /// Counts the rows that were found, and returns those to write: the ones that an older key had sealed.
    fn rows<I, V>(
        &mut self,
        found: Vec<(I, V)>,
        reseal: impl Fn(&I, &V) -> Result<Option<V>, OpenError>,
    ) -> Vec<Resealed<I, V>> {
        let mut rows = Vec::new();
        for (id, before) in found {
            self.looked_at += 1;
            match reseal(&id, &before) {
                Ok(Some(after)) => rows.push(Resealed { id, before, after }),
                Ok(None) => {}
                Err(_) => self.unopened += 1,
            }
        }
        self.found += rows.len() as u64;
        rows
    }
}

impl Engine {
    /// Seals anew under the current key all that an older one sealed. `progress` is called after every step.
    ///
    /// # Errors
    /// When the store does not answer; what was sealed anew by then stays so.
    pub async fn rekey(&self, by: &Actor, mut progress: impl FnMut(&Rekeyed) + Send) -> store::Result<Rekeyed> {
        let mut rekeyed = Rekeyed::default();
        while rekeyed.looks < LOOKS_MAX && !rekeyed.is_complete {
            rekeyed.look_again();
            self.reseal_endpoints(&mut rekeyed, &mut progress).await?;
            self.reseal_destinations(&mut rekeyed, &mut progress).await?;
            self.reseal_requests(&mut rekeyed, &mut progress).await?;
            rekeyed.is_complete = rekeyed.found() == 0;
        }
        self.conclude(&rekeyed, by).await?;
        Ok(rekeyed)
    }

    async fn reseal_endpoints(
        &self,
        rekeyed: &mut Rekeyed,
        progress: &mut (impl FnMut(&Rekeyed) + Send),
    ) -> store::Result<()> {
        let mut after: Option<EndpointId> = None;
        loop {
            let found = self.store().sealed_endpoints(after, ENDPOINTS).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after = Some(*last);
            let counts = &mut rekeyed.endpoints;
            let rows = counts.rows(found, |id, sealed| reseal_credentials(sealed, *id, &self.settings().keys));
            if !rows.is_empty() {
                counts.resealed += self.store().reseal_endpoints(&rows).await?;
            }
            progress(rekeyed);
        }
    }

    async fn reseal_destinations(
        &self,
        rekeyed: &mut Rekeyed,
        progress: &mut (impl FnMut(&Rekeyed) + Send),
    ) -> store::Result<()> {
        let mut after: Option<EventId> = None;
        loop {
            let found = self.store().sealed_destinations(after, EVENTS).await?;
            let Some(last) = found.last else { return Ok(()) };
            after = Some(last);
            let counts = &mut rekeyed.destinations;
            let rows =
                counts.rows(found.items, |event, stored| reseal_destination(stored, *event, &self.settings().keys));
            if !rows.is_empty() {
                counts.resealed += self.store().reseal_destinations(&rows).await?;
            }
            progress(rekeyed);
        }
    }

    async fn reseal_requests(
        &self,
        rekeyed: &mut Rekeyed,
        progress: &mut (impl FnMut(&Rekeyed) + Send),
    ) -> store::Result<()> {
        let mut after: Option<OnceName> = None;
        loop {
            let found = self.store().sealed_requests(after.as_ref(), REQUESTS).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after = Some(last.clone());
            let counts = &mut rekeyed.requests;
            let rows = counts.rows(found, |name, sealed| once::reseal(sealed, name, &self.settings().keys));
            if !rows.is_empty() {
                counts.resealed += self.store().reseal_requests(&rows).await?;
            }
            progress(rekeyed);
        }
    }

    /// Seals the check value anew, unless some row still needs an older key, and records what was done.
    async fn conclude(&self, rekeyed: &Rekeyed, by: &Actor) -> store::Result<()> {
        let Some(check) = self.store().setting(MASTER_KEY_CHECK).await? else { return Ok(()) };
        let keys = &self.settings().keys;
        if rekeyed.resealed() == 0 && (keys.is_current(&check) || !rekeyed.is_complete) {
            return Ok(());
        }
        let record = by.asks(Action::Rekey, "master_key", None).after(json!({
            "endpoints": rekeyed.endpoints.resealed,
            "destinations": rekeyed.destinations.resealed,
            "requests": rekeyed.requests.resealed,
            "unopened": rekeyed.unopened(),
            "complete": rekeyed.is_complete,
        }));
        // While a row needs an older key, the check value must need it, too: it shows which keys must be configured.
        let anew = if rekeyed.is_complete { keys.check_value() } else { check.clone() };
        // If another rekey was faster, nothing is replaced, and that one's audit record stands.
        self.store().replace_setting(MASTER_KEY_CHECK, &check, &anew, Some(&record)).await?;
        Ok(())
    }

    /// Gives up the lost key that sealed the stored values: from now on `keys` are the installation's, and values that they
    /// do not open are unreadable until they are replaced. True if a key was given up.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_lost_key(store: &SharedStore, keys: &MasterKeys, by: &Actor) -> store::Result<bool> {
        match store.setting(MASTER_KEY_CHECK).await? {
            Some(check) if !keys.opens_check(&check) => {
                let record = by.asks(Action::ForgetMasterKey, "master_key", None);
                store.replace_setting(MASTER_KEY_CHECK, &check, &keys.check_value(), Some(&record)).await
            }
            _ => Ok(false),
        }
    }
}
