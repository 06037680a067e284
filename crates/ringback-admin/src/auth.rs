//! Who calls, and what they may do.
//!
//! Every handler of `/v1` takes one of the callers of [`caller`] as an argument; it is read before body and
//! query, so someone without a token learns nothing from a refusal.

mod access;
mod admission;
mod caller;

pub(crate) use self::access::Permission;
pub use self::access::{Access, Scope};
pub(crate) use self::{
    admission::Admission,
    caller::{Administrator, Emitter, Operator, Reader},
};
