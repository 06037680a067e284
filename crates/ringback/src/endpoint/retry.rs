//! How often and when a failed delivery is tried again.

use serde::{Deserialize, Serialize};

/// Total number of sends and the waits between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// The total number of sends, 1–100.
    pub max_attempts: u32,
    /// Waits after the first, second … failure in milliseconds; the last repeats. 1–20 of 0 to 7 d.
    pub delays_ms: Vec<u64>,
    /// Each wait is multiplied by a uniform factor in [1 − jitter, 1 + jitter]. 0–1.
    pub jitter: f64,
}
