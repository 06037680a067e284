//! Who calls, and what they may do.
//!
//! Every handler of `/v1` takes one of the callers of [`caller`] as an argument; it is read before body and
//! query, so someone without a token learns nothing from a refusal.

mod access;
mod admission;
mod caller;
mod tokens;

pub use ringback::token::Scope;

pub use self::access::Access;
pub(crate) use self::access::Permission;
pub(crate) use self::{
    admission::Admission,
    caller::{Administrator, Emitter, Operator, Reader},
    tokens::StoredTokens,
};
