//! A change, as the audit log has it.

use ringback::{
    store::{self, AuditRow},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::openapi::values;

/// Who did what to what, and when.
#[derive(Serialize, ToSchema)]
pub(crate) struct Change {
    #[schema(value_type = values::Time)]
    at: Timestamp,
    /// `admin_token`, a token's id, `host` or `host:` and a name, `command_line`, or `engine`.
    #[schema(example = "admin_token")]
    who: String,
    /// The kind of thing and the verb.
    #[schema(example = "endpoint.update")]
    action: String,
    object_id: String,
    /// `null` for what is all tenants' or nobody's.
    #[schema(required, value_type = Option<values::Tenant>)]
    tenant: Option<String>,
    #[schema(required)]
    request_id: Option<String>,
    /// How it was, as far as the change is about it; credentials read `***`.
    #[schema(required, value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// How it was from then on; a credential that was changed reads `*** (changed)`.
    #[schema(required, value_type = Option<Object>)]
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
