//! Functions for fuzz targets only; they exist only with the feature `fuzzing`.

use std::{borrow::Cow, time::Duration};

use crate::{
    deliver::retry_after::retry_after,
    endpoint::{
        placeholder::{InHeader, InMessage, InSchemeHeader},
        pointer::Pointer,
        template::{Placeholder, Template},
    },
    time::Timestamp,
};

/// How long an answer with these headers asks Ringback to wait.
#[must_use]
pub fn asked_for(headers: &[(String, String)], now: Timestamp) -> Option<Duration> {
    retry_after(headers, now)
}

/// The value at `pointer` in `payload`; the outer `None` if `pointer` is no pointer.
#[must_use]
pub fn value_at(pointer: &str, payload: &[u8]) -> Option<Option<String>> {
    Some(Pointer::parse(pointer)?.value(payload).ok().map(Cow::into_owned))
}

/// The kinds of template.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A message that is signed.
    Message,
    /// A header of a scheme.
    SchemeHeader,
    /// A header of an endpoint.
    Header,
}

/// A template as it is printed once it was read; `None` if it is none.
#[must_use]
pub fn template(kind: Kind, text: &str) -> Option<String> {
    fn printed<P: Placeholder>(text: &str) -> Option<String> {
        Template::<P>::parse(text).ok().map(|template| template.to_string())
    }
    match kind {
        Kind::Message => printed::<InMessage>(text),
        Kind::SchemeHeader => printed::<InSchemeHeader>(text),
        Kind::Header => printed::<InHeader>(text),
    }
}
