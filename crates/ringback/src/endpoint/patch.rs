//! JSON merge patches (RFC 7396) of an endpoint.

use serde_json::{Map, Value, json};

use super::{Auth, Draft, Endpoint};
use crate::invalid::Invalid;

/// The members that come from the preset unless they are set.
const OF_PRESET: [&str; 3] = ["scheme", "timeout_ms", "retry"];

/// The members of an endpoint that can be read without its settings: those of its row, and its credentials.
const OF_ROW: [&str; 7] = ["tenant", "key", "enabled", "event_types", "headers", "auth", "tls"];

/// The endpoint's document with `patch` merged into it, to be resolved for that endpoint. `null` resets a field to its
/// preset's value or its default. A patch that changes the preset also resets scheme, timeout and retry, unless it names
/// them; a patch that changes the type of `auth` removes the members of the old type. Secret, header values and `auth` stay
/// if the patch does not name them, or gives `***` for them.
///
/// # Errors
/// When the patch is no object, or would move the endpoint to another tenant.
pub(crate) fn merge_patch(current: &Endpoint, patch: Value) -> Result<Draft, Invalid> {
    let Value::Object(patch) = patch else {
        return Err(Invalid::one("", "wrong_type", "a merge patch of an endpoint must be an object"));
    };
    let mut document = document(current);
    if let Some(tenant) = patch.get("tenant").filter(|tenant| document.get("tenant") != Some(tenant)) {
        let detail = if tenant.is_null() { "cannot be removed" } else { "cannot be changed" };
        return Err(Invalid::one("/tenant", "immutable", detail));
    }
    if patch.get("preset").is_some_and(|preset| document.get("preset") != Some(preset)) {
        for name in OF_PRESET {
            document.remove(name);
        }
        // A body of its own is no part of the preset that goes.
        if current.spec.body == current.spec.preset.body().into() {
            document.remove("body");
        }
    }
    let kind = |members: &Map<String, Value>| members.get("auth")?.get("type").cloned();
    if kind(&patch).is_some_and(|new| kind(&document) != Some(new)) {
        document.remove("auth");
    }
    let secret = patch.get("secret").cloned();
    merge(&mut document, patch.clone());
    let unknown = unknown_fields(document.clone(), &patch);
    // Put in after merging: `"secret": null` removes the secret, and a merge would lose the null.
    if let Some(secret) = secret {
        document.insert("secret".to_owned(), secret);
    }
    let mut draft = Draft::read(Value::Object(document));
    draft.misread.findings.retain(|finding| !unknown.findings.contains(finding));
    draft.misread.absorb("", unknown);
    Ok(draft)
}

/// The document of a request that would create the endpoint as it is, without the secret.
fn document(endpoint: &Endpoint) -> Map<String, Value> {
    let is_without_spec = endpoint.unreadable.as_ref().is_some_and(|unreadable| unreadable.without_spec);
    let endpoint = &endpoint.as_configured();
    let spec = &endpoint.spec;
    let mut members: Map<_, _> =
        spec.settings().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    for (name, value) in [
        ("tenant", json!(endpoint.tenant)),
        ("key", json!(endpoint.key)),
        ("enabled", json!(endpoint.enabled)),
        ("url", json!(spec.url)),
        ("event_types", json!(spec.event_types)),
        ("preset", json!(spec.preset)),
        ("scheme", json!(spec.scheme)),
        ("retry", json!(spec.retry)),
        ("headers", json!(endpoint.credentials.headers)),
        ("auth", json!(endpoint.credentials.auth.as_ref().map(auth))),
        ("tls", json!(endpoint.credentials.tls)),
    ] {
        members.insert(name.to_owned(), value);
    }
    if is_without_spec {
        members.retain(|name, _| OF_ROW.contains(&name.as_str()));
    }
    members
}

fn auth(auth: &Auth) -> Value {
    match auth {
        Auth::Bearer { token } => json!({"type": "bearer", "token": token}),
        Auth::Basic { username, password } => json!({"type": "basic", "username": username, "password": password}),
        Auth::ApiKey { header, value } => json!({"type": "api_key", "header": header, "value": value}),
        Auth::Oauth2(_) => json!(auth),
    }
}

/// Findings of members that no endpoint has, including those that are null in the patch, which merging has lost.
fn unknown_fields(mut merged: Map<String, Value>, patch: &Map<String, Value>) -> Invalid {
    name_again(&mut merged, patch);
    let mut misread = Draft::read(Value::Object(merged)).misread;
    misread.findings.retain(|finding| finding.code == "unknown_field");
    misread
}

/// Puts back the names of members that a patch removes.
fn name_again(merged: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (merged.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(patch)) => name_again(inner, patch),
            (None, Value::Null) => drop(merged.insert(name.clone(), Value::Null)),
            _ => {}
        }
    }
}

/// Merges by RFC 7396 §2. The recursion is as deep as the parser allows objects to nest.
fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.remove(&name)),
            Value::Object(inner) => {
                let slot = target.entry(name).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(members) = slot {
                    merge(members, inner);
                }
            }
            value => drop(target.insert(name, value)),
        }
    }
}
