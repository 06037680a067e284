//! The log of who changed what. The transactions that make the changes add rows; no row is changed; retention removes
//! rows after as long as it removes events.

use super::{Page, Result, Span};
use crate::time::Timestamp;

/// Which changes to list; all given conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Changes of objects of this tenant.
    pub tenant: Option<String>,
    /// Changes made in this time, by the database's clock.
    pub at: Span,
    /// Made by this one, as [`AuditRow::who`] names him.
    pub who: Option<String>,
    /// Of this kind, as [`AuditRow::action`] names it.
    pub action: Option<String>,
    /// Of the object with this id.
    pub object: Option<String>,
}

/// A place in the log: rows sort by (`at`, `seq`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition {
    /// When the change was made.
    pub at: Timestamp,
    /// Tells changes of the same moment apart.
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
    /// The object that was changed.
    pub object: String,
    /// The tenant that owns the object.
    pub tenant: Option<String>,
    /// The request that made the change.
    pub request_id: Option<String>,
    /// The object before the change, as JSON.
    pub before: Option<String>,
    /// The object after the change, as JSON.
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
