//! What an error of an exchange says about the receiver.

use std::{error::Error, io};

use super::{
    budget::{Meter, Spent},
    connection::HEAD_MAX,
    tls,
};
use crate::attempt::ErrorClass;

/// The class of an error that came between the first byte of a request and the head of its answer.
/// `wants_certificate`: the receiver asked for a client certificate in the handshake.
pub(super) fn exchange(error: &hyper::Error, meter: &Meter, wants_certificate: bool) -> ErrorClass {
    let by_cause = causes(error).find_map(|cause| cause_class(cause, wants_certificate));
    by_cause.unwrap_or_else(|| {
        if error.is_parse_too_large() && meter.answered() >= HEAD_MAX as u64 {
            ErrorClass::TooLarge
        } else if error.is_parse() || meter.answered() > 0 {
            // Too many headers, no HTTP at all, or cut off in the middle of the head.
            ErrorClass::Protocol
        } else {
            ErrorClass::Reset
        }
    })
}

fn cause_class(cause: &(dyn Error + 'static), wants_certificate: bool) -> Option<ErrorClass> {
    let io = cause.downcast_ref::<io::Error>()?;
    if let Some(inner) = io.get_ref() {
        if inner.is::<Spent>() {
            return Some(ErrorClass::TooLarge);
        }
        return inner.downcast_ref().map(|error| tls::class(error, wants_certificate));
    }
    // The kernel gave up on retransmitting.
    (io.kind() == io::ErrorKind::TimedOut).then_some(ErrorClass::Timeout)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
