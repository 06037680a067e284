//! The log of who changed what. Only ever added to, by the transactions that make the changes; retention removes what
//! is older than events are kept.

use super::{Page, Result, Span};
use crate::time::Timestamp;

/// Which changes to list; all given conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Of this tenant's things.
    pub tenant: Option<String>,
    /// Made in this time, by the database's clock.
    pub at: Span,
}

/// A place in the log: rows sort by (`at`, `seq`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition {
    /// When the change was made.
    pub at: Timestamp,
    /// What tells changes of one moment apart.
    pub seq: i64,
}

/// A change that was made: its [`crate::audit::Entry`] as written. Texts stay texts, so that every later program can
/// show what every earlier one wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When, and where it stands in the log.
    pub position: AuditPosition,
    /// Who made it.
    pub who: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// Whose that is.
    pub tenant: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// How it was, JSON.
    pub before: Option<String>,
    /// How it was from then on, JSON.
    pub after: Option<String>,
}

/// Reads the log. Writing it is part of each change.
#[async_trait::async_trait]
pub trait Audit {
    /// Changes, newest first.
    async fn list_audit(
        &self,
        filter: &AuditFilter,
        before: Option<AuditPosition>,
        limit: u32,
    ) -> Result<Page<AuditRow, AuditPosition>>;
}
