//! What became of calls that somebody expected webhooks for: the platform's list of keys, held against what was sent.

pub use crate::store::{Expected, Fate, LATE_AFTER, Outcome};
use crate::{Engine, store};

/// So many keys are looked up at once.
pub const KEYS_AT_ONCE: usize = 1_000;

impl Engine {
    /// What became of the events with each of these keys, in their order. Reads in steps of [`KEYS_AT_ONCE`], each of one
    /// snapshot; who has many more keys asks in steps.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn outcomes_of_keys(&self, keys: &[String], expected: &Expected) -> store::Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(keys.len());
        for step in keys.chunks(KEYS_AT_ONCE) {
            outcomes.extend(self.store().outcomes_of_keys(step, expected).await?);
        }
        Ok(outcomes)
    }
}
