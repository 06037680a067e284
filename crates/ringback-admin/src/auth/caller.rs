//! Arguments of handlers that say who may call them. Those that may change things bring who asks, for the audit log.

use axum::extract::FromRequestParts;
use http::request::Parts;
use ringback::audit::Actor;

use super::access::{Access, Permission};
use crate::{api::Api, problem::Problem};

macro_rules! caller {
    ($(#[$doc:meta])* $name:ident($($part:ty),+), $permission:ident, $made:expr) => {
        $(#[$doc])*
        pub(crate) struct $name($(pub(crate) $part),+);

        impl FromRequestParts<Api> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
                api.admission.admit(parts, Permission::$permission, &api.tokens).await.map($made)
            }
        }
    };
}

caller!(
    /// May change endpoints, expunge payloads and read the audit log.
    Administrator(Access, Actor), Administer, |(access, by)| Self(access, by)
);
caller!(
    /// May replay, pause, resume, test and discard.
    Operator(Access, Actor), Operate, |(access, by)| Self(access, by)
);
caller!(
    /// May hand in events.
    Emitter(Access), Emit, |(access, _)| Self(access)
);
caller!(
    /// May look.
    Reader(Access), Read, |(access, _)| Self(access)
);
