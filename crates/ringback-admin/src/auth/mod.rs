//! Who calls, and what they may do.
//!
//! Every handler of `/v1` takes one of the callers of [`caller`] as an argument. It is read before body and query, so a
//! caller without a token learns nothing from a refusal.

mod access;
mod admission;
mod caller;
mod failures;
mod tokens;

pub use ringback::token::Scope;

pub use self::access::Access;
pub(crate) use self::access::Permission;
pub(crate) use self::{
    admission::{Admission, admit, admit_token},
    caller::{Administrator, Emitter, Monitor, Operator, Reader},
    failures::Failures,
    tokens::StoredTokens,
};
