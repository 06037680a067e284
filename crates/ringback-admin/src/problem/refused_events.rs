//! Events that the engine refused: the engine's pointers begin with the event's index, and are rewritten for the request.

use ringback::{
    emit,
    invalid::{Finding, Invalid},
};

use super::{Problem, causes::away};

impl Problem {
    /// `place` returns the pointer to the event with this index in the request: empty if the request is a single event.
    pub(crate) fn of_emit(error: emit::Error, place: impl Fn(&str) -> String) -> Self {
        match error {
            emit::Error::Invalid(invalid) => Self::invalid(Invalid {
                findings: invalid.findings.into_iter().map(|found| moved(found, &place)).collect(),
            }),
            emit::Error::IdempotencyConflict { index, of } => Self::invalid(Invalid::one(
                format!("{}/idempotency_key", place(&index.to_string())),
                "idempotency_conflict",
                format!("was used for {of} with other content"),
            )),
            emit::Error::DoneBefore(_) => Self::idempotency_conflict(),
            emit::Error::Store(error) => error.into(),
            emit::Error::Closed => away("shutting_down", "The server is shutting down; another may take this."),
        }
    }
}

/// `/17/type` is field `/type` of event `17`.
fn moved(finding: Finding, place: impl Fn(&str) -> String) -> Finding {
    let pointer = finding.pointer.trim_start_matches('/');
    let (index, field) = pointer.find('/').map_or((pointer, ""), |at| pointer.split_at(at));
    Finding { pointer: format!("{}{field}", place(index)), ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_placed_in_the_request_that_it_came_with() {
        let found = |pointer: &str| Finding { pointer: pointer.to_owned(), code: "malformed", detail: String::new() };
        assert_eq!(moved(found("/17/type"), |index| format!("/events/{index}")).pointer, "/events/17/type");
        assert_eq!(moved(found("/0/endpoint_keys/3"), |_| String::new()).pointer, "/endpoint_keys/3");
        assert_eq!(moved(found("/0"), |_| String::new()).pointer, "");
    }
}
