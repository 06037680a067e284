//! Sessions of people. A session is kept sealed in its browser only; the store remembers which ones were ended.

use crate::{Engine, id::SessionId, store, time::Timestamp};

impl Engine {
    /// Ends a session for good, on every node. At `until` it would have ended by itself.
    ///
    /// # Errors
    /// When the store does not answer; the session then goes on.
    pub async fn end_session(&self, id: SessionId, until: Timestamp) -> store::Result<()> {
        self.store().end_session(id, until).await
    }

    /// Whether a session was ended before its time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_session_ended(&self, id: SessionId) -> store::Result<bool> {
        self.store().is_session_ended(id).await
    }
}
