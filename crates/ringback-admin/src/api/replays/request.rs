//! The request for a replay, checked.

use ringback::{
    delivery::Status,
    document::Fields,
    event::{is_key, is_tenant, is_type},
    id::{EndpointId, ReplayId},
    invalid::Invalid,
    store::{ReplayFilter, ReplayToCreate, Span},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;

use crate::{auth::Access, extract::FromDocument, problem::Problem};

/// Fastest pace that can be asked for; leave it out to go as fast as the lanes take.
const RATE_MAX: f64 = 100_000.0;

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 1_000;

/// What `filter.status` may be.
const STATUSES: [(&str, Status); 2] = [("dead", Status::Dead), ("delivered", Status::Delivered)];

/// `{filter, rate_per_second?, dry_run?, reason?}`
pub(super) struct Request {
    filter: Filter,
    rate_per_second: Option<f64>,
    dry_run: bool,
    reason: Option<String>,
}

/// `{tenant?, endpoint_id?, type?, key?, status, since?, until?}`
#[derive(Serialize)]
struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_id: Option<EndpointId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl FromDocument for Request {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        fields.must_have("filter");
        let filter = fields.object("filter", filter).flatten();
        let rate_per_second = fields.number("rate_per_second");
        if rate_per_second.is_some_and(|rate| !(rate > 0.0 && rate <= RATE_MAX)) {
            let detail = format!("must be more than 0 and at most {RATE_MAX}");
            fields.wrong("rate_per_second", "out_of_range", detail);
        }
        let dry_run = fields.flag("dry_run").unwrap_or(false);
        let reason = fields.text("reason");
        if reason.as_deref().is_some_and(|reason| !is_reason(reason)) {
            let detail =
                format!("must be at most {REASON_CHARS_MAX} characters without control characters but line feeds");
            fields.wrong("reason", "malformed", detail);
        }
        let invalid = fields.finish();
        match filter {
            Some(filter) => invalid.or(Self { filter, rate_per_second, dry_run, reason }),
            None => Err(invalid),
        }
    }
}

/// `None`, with a finding, if it has no status.
fn filter(fields: &mut Fields) -> Option<Filter> {
    fields.must_have("status");
    let mut kept = |name: &str, rule: fn(&str) -> bool| {
        let text = fields.text(name)?;
        if !rule(&text) {
            fields.wrong(name, "malformed", "has characters or a length that it cannot have");
        }
        Some(text)
    };
    let (tenant, event_type, key) = (kept("tenant", is_tenant), kept("type", is_type), kept("key", is_key));
    let (endpoint_id, since, until) = (fields.parsed("endpoint_id"), fields.parsed("since"), fields.parsed("until"));
    let status = fields.word("status", &STATUSES)?;
    Some(Filter { tenant, endpoint_id, r#type: event_type, key, status, since, until })
}

impl Request {
    /// The replay to be made, for the tenants that the caller may touch.
    pub(super) fn for_caller(mut self, access: &Access) -> Result<ReplayToCreate, Problem> {
        self.filter.tenant = access.listed(self.filter.tenant.take())?;
        let filter_json = serde_json::to_string(&self.filter).map_err(|_| Problem::internal())?;
        Ok(ReplayToCreate {
            id: ReplayId::new(Timestamp::now()),
            filter: self.filter.into(),
            filter_json,
            rate_per_second: self.rate_per_second,
            reason: self.reason,
            dry_run: self.dry_run,
        })
    }
}

fn is_reason(text: &str) -> bool {
    text.chars().count() <= REASON_CHARS_MAX && !text.chars().any(|c| c.is_control() && c != '\n')
}

impl From<Filter> for ReplayFilter {
    fn from(filter: Filter) -> Self {
        Self {
            tenant: filter.tenant,
            endpoint: filter.endpoint_id,
            event_type: filter.r#type,
            key: filter.key,
            status: filter.status,
            created: Span { since: filter.since, until: filter.until },
        }
    }
}
