//! Arguments of handlers that say who may call them. Those of callers that may change something have the [`Actor`] for the
//! audit log, too.
//!
//! They come before the body among a handler's arguments, so no body is read for a caller without permission. A body that is
//! compressed is also refused here, before it is read: no route accepts one.

use axum::extract::FromRequestParts;
use http::request::Parts;
use ringback::audit::Actor;

use super::{
    access::{Access, Permission},
    admission,
};
use crate::{api::Api, extract::encoding, problem::Problem};

macro_rules! caller {
    ($(#[$doc:meta])* $name:ident($($part:ty),+), $permission:ident, $made:expr) => {
        $(#[$doc])*
        pub(crate) struct $name($(pub(crate) $part),+);

        impl FromRequestParts<Api> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
                let admitted = admission::admit(api, parts, Permission::$permission).await?;
                encoding::require_none(&parts.headers)?;
                Ok(($made)(admitted))
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
/// Monitoring: may look, also while the store is away.
pub(crate) struct Monitor(pub(crate) Access);

impl FromRequestParts<Api> for Monitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let access = admission::admit_monitor(api, parts).await?;
        encoding::require_none(&parts.headers)?;
        Ok(Self(access))
    }
}

caller!(
    /// May look.
    Reader(Access), Read, |(access, _)| Self(access)
);
