//! Arguments of handlers that say who may call them.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::access::{Access, Permission};
use crate::{api::Api, problem::Problem};

macro_rules! caller {
    ($(#[$doc:meta])* $name:ident, $permission:ident) => {
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) Access);

        impl FromRequestParts<Api> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
                api.admission.admit(parts, Permission::$permission).map(Self)
            }
        }
    };
}

caller!(
    /// May change endpoints and expunge payloads.
    Administrator, Administer
);
caller!(
    /// May replay, pause, resume, test and discard.
    Operator, Operate
);
caller!(
    /// May hand in events.
    Emitter, Emit
);
caller!(
    /// May look.
    Reader, Read
);
