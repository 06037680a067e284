//! A change, as the audit log has it.

use ringback::{
    store::{self, AuditRow},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

/// Who did what to what, and when.
#[derive(Serialize)]
pub(crate) struct Change {
    at: Timestamp,
    who: String,
    action: String,
    object_id: String,
    tenant: Option<String>,
    request_id: Option<String>,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
}

impl TryFrom<AuditRow> for Change {
    type Error = store::Error;

    fn try_from(row: AuditRow) -> Result<Self, store::Error> {
        let document =
            |text: Option<String>| text.map(RawValue::from_string).transpose().map_err(store::Error::corrupt);
        Ok(Self {
            at: row.position.at,
            who: row.who,
            action: row.action,
            object_id: row.object,
            tenant: row.tenant,
            request_id: row.request_id,
            before: document(row.before)?,
            after: document(row.after)?,
        })
    }
}
