//! Damage to the database that calls have met. It is reported at once, unlike failing writes, which are reported after ten
//! seconds: damage does not pass by itself, and what is written meanwhile may be lost with the rest.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Error, Result};

/// For how long damage is reported after a call has met it, and how often it is logged. The pipeline meets damage in its way
/// again within seconds; a single lookup of an old, damaged event makes a node not ready for this long at most.
const TOLD_FOR: Duration = Duration::from_secs(60);

/// The damage that was met last.
#[derive(Debug, Default)]
pub(crate) struct Damage(Mutex<Option<Met>>);

#[derive(Debug)]
struct Met {
    last: Instant,
    logged: Instant,
    why: String,
}

impl Damage {
    /// The damage that a call has met lately.
    pub(crate) fn lately(&self) -> Option<Error> {
        let met = self.0.lock();
        let met = met.as_ref().filter(|met| met.last.elapsed() < TOLD_FOR)?;
        Some(Error::Damaged(met.why.clone().into()))
    }

    /// Notes the damage, if a call's result tells of any.
    pub(super) fn note<T>(&self, call: &str, came_to: &Result<T>) {
        let Err(Error::Damaged(why)) = came_to else { return };
        let (mut met, now, why) = (self.0.lock(), Instant::now(), why.to_string());
        let logged = met.as_ref().map(|met| met.logged).filter(|logged| logged.elapsed() < TOLD_FOR);
        if logged.is_none() {
            tracing::error!(call, error = why, "the database is damaged: repair it, or restore a backup");
        }
        *met = Some(Met { last: now, logged: logged.unwrap_or(now), why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn damage_is_told_at_once_and_for_a_while_after_it_was_last_met() {
        let damage = Damage::default();
        let met: Result<()> = Err(Error::Damaged("a page is garbled".into()));
        damage.note("record", &Err::<(), _>(Error::Full("no room".into())));
        assert!(damage.lately().is_none(), "want of room is no damage");
        for _ in 0..3 {
            damage.note("feed", &met);
            damage.note("record", &Ok(()));
            let told = damage.lately().expect("that another call succeeds says nothing about it");
            assert!(told.to_string().contains("a page is garbled"), "{told}");
            tokio::time::advance(TOLD_FOR / 2).await;
        }
        tokio::time::advance(TOLD_FOR / 2).await;
        assert!(damage.lately().is_none());
    }
}
