//! The request for an expunge of many, checked.

use ringback::{
    document::Fields,
    event::{is_key, is_tenant, is_type},
    invalid::Invalid,
    operate::expunges::NewExpunge,
    store::{ExpungeFilter, Keys, Span},
};
use serde_json::Value;

use crate::{auth::Access, extract::FromDocument, problem::Problem};

/// `{tenant, key? | type?, since?, until?, dry_run?}`
pub(super) struct Request {
    filter: ExpungeFilter,
    dry_run: bool,
}

impl FromDocument for Request {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        fields.must_have("tenant");
        let tenant = fields.text_of("tenant", is_tenant);
        let (key, event_type) = (fields.text_of("key", is_key), fields.text_of("type", is_type));
        if key.is_some() && event_type.is_some() {
            fields.wrong("type", "conflict", "cannot stand beside key: expunge by one of them");
        }
        let accepted = Span { since: fields.parsed("since"), until: fields.parsed("until") };
        let dry_run = fields.flag("dry_run").unwrap_or(false);
        let invalid = fields.finish();
        match tenant {
            Some(tenant) => invalid.or(Self { filter: ExpungeFilter { tenant, key, event_type, accepted }, dry_run }),
            None => Err(invalid),
        }
    }
}

impl Request {
    /// The expunge to be created, if the caller may act for its tenant.
    pub(super) fn for_caller(mut self, access: &Access, keys: Keys) -> Result<NewExpunge, Problem> {
        self.filter.tenant = access.named(Some(self.filter.tenant))?;
        Ok(NewExpunge { filter: self.filter, keys, dry_run: self.dry_run })
    }
}
