//! Reading the parts that endpoints and inline destinations share from JSON.

use serde_json::Value;

use super::{Auth, AuthType, ClientTls, Custom, Oauth2, Preset, RetryDraft, Scheme};
use crate::document::Fields;

/// `preset`, by name.
pub(super) fn preset(fields: &mut Fields) -> Option<Preset> {
    fields.word("preset")
}

/// `scheme`: the name of a built-in one, or the parts of a custom one.
pub(super) fn scheme(fields: &mut Fields) -> Option<Scheme> {
    match fields.some("scheme")? {
        Value::String(name) => {
            let scheme = Scheme::named(&name);
            if scheme.is_none() {
                let known = Scheme::BUILT_IN.map(|scheme| scheme.name()).join(", ");
                fields.wrong("scheme", "unknown_value", format!("must be an object or one of: {known}"));
            }
            scheme
        }
        value @ Value::Object(_) => fields.nested("scheme", value, custom).map(Scheme::Custom),
        _ => {
            fields.wrong("scheme", "wrong_type", "must be the name of a scheme or an object");
            None
        }
    }
}

fn custom(fields: &mut Fields) -> Option<Custom> {
    for name in ["key_format", "digest", "encoding", "headers"] {
        fields.must_have(name);
    }
    let key_format = fields.word("key_format");
    let message = fields.required("message");
    let (digest, encoding) = (fields.word("digest"), fields.word("encoding"));
    let headers = fields.table("headers");
    Some(Custom { key_format: key_format?, message, digest: digest?, encoding: encoding?, headers: headers? })
}

/// `secret`: absent, null, or a text.
pub(super) fn secret(fields: &mut Fields) -> Option<Option<String>> {
    match fields.any("secret")? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text)),
        _ => {
            fields.wrong("secret", "wrong_type", "must be a string or null");
            None
        }
    }
}

/// `auth`, by its `type`.
pub(super) fn auth(fields: &mut Fields) -> Option<Auth> {
    fields.object("auth", |auth| {
        auth.must_have("type");
        let Some(kind) = auth.word("type") else {
            auth.ignore_rest();
            return None;
        };
        Some(match kind {
            AuthType::Bearer => Auth::Bearer { token: auth.required("token") },
            AuthType::Basic => Auth::Basic { username: auth.required("username"), password: auth.required("password") },
            AuthType::ApiKey => Auth::ApiKey { header: auth.required("header"), value: auth.required("value") },
            AuthType::Oauth2 => Auth::Oauth2(Oauth2 {
                token_url: auth.required("token_url"),
                client_id: auth.required("client_id"),
                client_secret: auth.required("client_secret"),
                scopes: auth.texts("scopes").unwrap_or_default(),
                audience: auth.text("audience"),
                client_authentication: auth.word("client_authentication").unwrap_or_default(),
            }),
        })
    })?
}

/// `tls`, any part of it.
pub(super) fn tls(fields: &mut Fields) -> Option<ClientTls> {
    fields.object("tls", |tls| {
        let [client_certificate, client_key, ca] =
            ["client_certificate", "client_key", "ca"].map(|name| tls.text(name));
        ClientTls { client_certificate, client_key, ca }
    })
}

/// `retry`, any part of it.
pub(super) fn retry(fields: &mut Fields) -> Option<RetryDraft> {
    fields.object("retry", |retry| RetryDraft {
        max_attempts: retry.small("max_attempts"),
        delays_ms: retry.wholes("delays_ms"),
        jitter: retry.number("jitter"),
    })
}
