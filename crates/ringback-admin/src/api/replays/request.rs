//! The request for a replay, checked.

use ringback::{
    delivery::Status,
    event::{is_key, is_tenant, is_type},
    id::{EndpointId, ReplayId},
    invalid::Invalid,
    store::{ReplayFilter, ReplayToCreate, Span},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{auth::Access, problem::Problem};

/// Fastest pace that can be asked for; leave it out to go as fast as the lanes take.
const RATE_MAX: f64 = 100_000.0;

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 1_000;

/// `{filter, rate_per_second?, dry_run?, reason?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    filter: Filter,
    rate_per_second: Option<f64>,
    dry_run: Option<bool>,
    reason: Option<String>,
}

/// `{tenant?, endpoint_id?, type?, key?, status, since?, until?}`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
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

impl Request {
    /// The replay to be made, for the tenants that the caller may touch.
    pub(super) fn check(mut self, access: &Access) -> Result<ReplayToCreate, Problem> {
        self.find_faults().or(())?;
        self.filter.tenant = access.listed(self.filter.tenant.take())?;
        let filter_json = serde_json::to_string(&self.filter).map_err(|_| Problem::internal())?;
        Ok(ReplayToCreate {
            id: ReplayId::new(Timestamp::now()),
            filter: self.filter.into(),
            filter_json,
            rate_per_second: self.rate_per_second,
            reason: self.reason,
            dry_run: self.dry_run.unwrap_or(false),
        })
    }

    fn find_faults(&self) -> Invalid {
        let mut invalid = Invalid::default();
        let mut check = |pointer: &str, text: &Option<String>, rule: fn(&str) -> bool| {
            if text.as_deref().is_some_and(|text| !rule(text)) {
                invalid.add(pointer, "malformed", "has characters or a length that it cannot have");
            }
        };
        check("/filter/tenant", &self.filter.tenant, is_tenant);
        check("/filter/type", &self.filter.r#type, is_type);
        check("/filter/key", &self.filter.key, is_key);
        if !matches!(self.filter.status, Status::Dead | Status::Delivered) {
            invalid.add("/filter/status", "unknown_value", "must be dead or delivered");
        }
        if self.rate_per_second.is_some_and(|rate| !(rate > 0.0 && rate <= RATE_MAX)) {
            invalid.add("/rate_per_second", "out_of_range", format!("must be more than 0 and at most {RATE_MAX}"));
        }
        if self.reason.as_deref().is_some_and(|reason| !is_reason(reason)) {
            let detail = format!("must be at most {REASON_CHARS_MAX} characters without control characters");
            invalid.add("/reason", "malformed", detail);
        }
        invalid
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
