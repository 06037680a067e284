//! A scheme with the policy that its vendor documents.

use serde::{Deserialize, Serialize};

/// The name of a bundle of scheme, timeout and retry policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Standard Webhooks, 10 s, three sends.
    #[default]
    Default,
    /// Levrage's `CALL_ENDED`.
    Levrage,
    /// Inline destinations: unsigned.
    External,
    /// Synthflow: only the call's id is signed.
    Synthflow,
    /// Levers: Svix headers, 30 s.
    Levers,
    /// Svix' own schedule.
    Svix,
    /// The schedule of the Standard Webhooks specification.
    Patient,
}
