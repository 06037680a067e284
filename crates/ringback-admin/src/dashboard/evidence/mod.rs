//! What somebody without a login may be shown of a delivery: what was sent when, and what came back, without the contents.
//!
//! Masked are all values of payloads and answers, all headers that are not named here, and all of a URL but its origin: a
//! path can be a credential, too.

mod mask;

pub(super) use self::mask::{header, origin, structure};
