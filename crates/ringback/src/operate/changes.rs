//! Looking up who changed what.

use crate::{
    Engine,
    store::{self, AuditFilter, AuditPosition, AuditRow, Page},
};

impl Engine {
    /// Changes as the audit log has them, newest first: at most `limit` of those before `before`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn changes(
        &self,
        filter: &AuditFilter,
        before: Option<AuditPosition>,
        limit: u32,
    ) -> store::Result<Page<AuditRow, AuditPosition>> {
        self.store().list_audit(filter, before, limit).await
    }
}
