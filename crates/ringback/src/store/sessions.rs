//! Sessions of the dashboard that were ended before their time.

use super::Result;
use crate::{id::SessionId, time::Timestamp};

/// Remembers which sessions were ended. A session itself is in its browser, sealed, and in no table.
#[async_trait::async_trait]
pub trait Sessions {
    /// Ends a session for good, on every node. At `until` it would have ended by itself: some time after that it may be
    /// forgotten.
    async fn end_session(&self, id: SessionId, until: Timestamp) -> Result<()>;

    /// Whether a session was ended. One cheap read: it is made for every page.
    async fn is_session_ended(&self, id: SessionId) -> Result<bool>;
}
