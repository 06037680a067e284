//! An endpoint as the audit log shows it: all its settings, and a mask for each of its credentials.

use serde_json::{Map, Value, json};

use super::{Auth, ClientTls, Endpoint, MASK};

/// Shown in place of a credential that differs from the one before.
const CHANGED: &str = "*** (changed)";

impl Endpoint {
    /// Its settings, with a mask for each credential. A credential that differs from the one `before` is marked as changed,
    /// so that a rotation can be seen.
    #[must_use]
    pub(crate) fn audited(&self, before: Option<&Self>) -> Value {
        let mut shown = match serde_json::to_value(&self.spec) {
            Ok(Value::Object(spec)) => spec,
            _ => Map::new(),
        };
        let more = json!({
            "key": self.key, "enabled": self.enabled, "disabled_reason": self.disabled_reason, "paused": self.paused,
            "secrets": self.secrets(before), "headers": self.headers(before), "auth": self.auth(before),
            "tls": self.tls(before),
        });
        if let Value::Object(more) = more {
            shown.extend(more);
        }
        Value::Object(shown)
    }

    fn secrets(&self, before: Option<&Self>) -> Value {
        let (now, then) = (&self.credentials, before.map(|before| &before.credentials));
        let is_there = !now.secrets.is_empty() || !now.signing_keys.is_empty();
        let same = then.is_none_or(|then| then.secrets == now.secrets && then.signing_keys == now.signing_keys);
        is_there.then(|| mask(same)).into()
    }

    fn headers(&self, before: Option<&Self>) -> Value {
        let then = before.map(|before| &before.credentials.headers);
        let shown = self.credentials.headers.iter().map(|(name, value)| {
            let same = then.is_none_or(|then| then.get(name) == Some(value));
            (name.clone(), mask(same).into())
        });
        Value::Object(shown.collect())
    }

    fn auth(&self, before: Option<&Self>) -> Value {
        let now = &self.credentials.auth;
        let masked = mask(before.is_none_or(|before| before.credentials.auth == *now));
        match now {
            None => Value::Null,
            Some(Auth::Bearer { .. }) => json!({"type": "bearer", "token": masked}),
            Some(Auth::Basic { .. }) => json!({"type": "basic", "username": masked, "password": masked}),
            Some(Auth::ApiKey { header, .. }) => json!({"type": "api_key", "header": header, "value": masked}),
            Some(auth @ Auth::Oauth2(_)) => {
                let mut shown = json!(auth);
                shown["client_secret"] = masked.into();
                shown
            }
        }
    }

    fn tls(&self, before: Option<&Self>) -> Value {
        let Some(now) = &self.credentials.tls else { return Value::Null };
        let then = before.map(|before| before.credentials.tls.as_ref());
        let key = |tls: &ClientTls| tls.client_key.clone();
        let masked = mask(then.is_none_or(|then| then.and_then(key) == key(now)));
        let mut shown = json!(now.shown());
        if now.client_key.is_some() {
            shown["client_key"] = masked.into();
        }
        shown
    }
}

const fn mask(same: bool) -> &'static str {
    if same { MASK } else { CHANGED }
}
