//! Drafts, patches and inline destinations as callers write them.

mod drafts;
mod inherit;
mod inline;
mod patches;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{egress::Egress, id::EndpointId, invalid::Invalid, time::Timestamp};

fn resolve(document: Value) -> Result<Resolved, Invalid> {
    Draft::read(document).resolve(&Egress::default(), "ringback-")
}

fn with(fields: Value) -> Value {
    let mut document = json!({"url": "https://example.com/hook", "event_types": ["*"]});
    for (name, value) in fields.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

fn found<T: std::fmt::Debug>(result: Result<T, Invalid>) -> Vec<(String, &'static str)> {
    let invalid = result.unwrap_err();
    for finding in &invalid.findings {
        assert!(!finding.detail.contains("hidden"), "{finding:?}");
    }
    invalid.findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
}

fn refused(fields: Value) -> Vec<(String, &'static str)> {
    found(resolve(with(fields)))
}

fn one(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

fn endpoint(fields: Value) -> Endpoint {
    let resolved = resolve(with(fields)).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000);
    Endpoint {
        id: EndpointId::new(now),
        tenant: resolved.tenant.unwrap_or_else(|| "default".to_owned()),
        key: resolved.key,
        spec: resolved.spec,
        credentials: Arc::new(resolved.credentials),
        enabled: resolved.enabled,
        disabled_reason: None,
        paused: false,
        must_be_verified: false,
        version: 1,
        created_at: now,
        unreadable: None,
        updated_at: now,
    }
}

fn patched(current: &Endpoint, patch: Value) -> Result<Resolved, Invalid> {
    merge_patch(current, patch)?.resolve_for(current, &Egress::default(), "ringback-")
}
