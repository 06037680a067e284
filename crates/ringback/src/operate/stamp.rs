//! Whether pages would show something new: a stamp that is compared with an earlier one.
//!
//! Pages that are open are refreshed when something has changed. To render each of them again and again, only to see that it
//! is the same, would cost the store some statements each time. A stamp costs two or three small reads, and is the same for
//! everybody who looks at the same subject.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
    time::Duration,
};

use crate::{
    Engine,
    store::{self, EventFilter, Figures, MINUTE, Subject},
    time::Timestamp,
};

/// Attempts count in the minute in which they began, so the figures of a change are this far back at most: an attempt takes up
/// to a minute, and the present minute has only begun.
const LOOKED_BACK: Duration = Duration::from_secs(3 * 60);

/// Rows of that time: each minute has one.
const MINUTES_MAX: u32 = 5;

/// What a subject looks like at a moment. Two stamps differ if something was accepted, tried, given up or configured between
/// them; they also differ once a minute although nothing was, so that times like "4 min ago" stay true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

impl Engine {
    /// The stamp of everything, of a tenant, or of an endpoint. What other processes tried in the last 10 s may not be in it
    /// yet.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn stamp(&self, subject: &Subject) -> store::Result<Stamp> {
        let now = Timestamp::now();
        let mut stamp = DefaultHasher::new();
        (now.micros() / 1_000_000 / i64::try_from(MINUTE.as_secs()).unwrap_or(i64::MAX)).hash(&mut stamp);
        let stored = self.store().read_figures(subject, now - LOOKED_BACK, now + MINUTE, MINUTES_MAX).await?;
        // What this process has counted and not yet added is taken last. If it is added meanwhile, it is missing in this
        // stamp, and the next one differs; taken first, it would count twice, and hide as many attempts that follow.
        let mut sum = self.sums().unadded(subject);
        stored.iter().for_each(|(_, figures)| sum.merge(figures));
        let Figures { delivered, failed, first_attempts, dead, .. } = sum;
        [delivered, failed, first_attempts, dead].hash(&mut stamp);
        let tenant = (!matches!(subject, Subject::All)).then(|| subject.tenant().to_owned());
        let newest = EventFilter { tenant: tenant.clone(), ..EventFilter::default() };
        let newest = self.events(&newest, None, 1).await?;
        newest.items.first().map(|row| row.event.id.uuid()).hash(&mut stamp);
        let directory = self.directory().await?;
        match tenant {
            None => directory.version.hash(&mut stamp),
            Some(tenant) => {
                let changes = directory.of_tenant(&tenant).map(|endpoint| endpoint.updated_at.micros());
                changes.fold((0_u32, 0), |(count, last), at| (count + 1, last.max(at))).hash(&mut stamp);
            }
        }
        Ok(Stamp(stamp.finish()))
    }
}
