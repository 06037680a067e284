//! What the engine's errors look like from outside. Faults of ours are logged here, once, and nowhere else.

use http::{HeaderValue, StatusCode, header};
use ringback::{TestError, invalid::Invalid, operate::endpoints, store};

use super::Problem;

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::invalid(invalid)
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(_) => {
                tracing::warn!(%error, "the store is not available");
                away(
                    "store_unavailable",
                    "The database is not available right now; the same request may succeed later.",
                )
            }
            store::Error::Schema(_) => {
                tracing::error!(%error, "the schema does not fit this program");
                away("schema_mismatch", "The database's schema does not fit this program; it must be migrated.")
            }
            _ => {
                tracing::error!(%error, "a request failed inside");
                Self::internal()
            }
        }
    }
}

impl From<endpoints::Error> for Problem {
    fn from(error: endpoints::Error) -> Self {
        match error {
            endpoints::Error::Invalid(invalid) => Self::invalid(invalid),
            endpoints::Error::KeyTaken => Self {
                errors: vec![
                    ringback::invalid::Finding {
                        pointer: "/key".to_owned(),
                        code: "key_taken",
                        detail: "belongs to another endpoint of the tenant".to_owned(),
                    }
                    .into(),
                ],
                ..Self::conflict("key_taken", "Another endpoint of the tenant has this key.")
            },
            endpoints::Error::Absent => Self::not_found(),
            endpoints::Error::VersionMismatch => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                "The endpoint has changed since the version that If-Match names.",
            ),
            endpoints::Error::Store(error) => error.into(),
        }
    }
}

impl From<TestError> for Problem {
    fn from(error: TestError) -> Self {
        match error {
            TestError::Absent => Self::not_found(),
            TestError::Emit(error) => Self::of_emit(error, |_| String::new()),
        }
    }
}

/// Not now, but soon.
pub(super) fn away(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_away_is_a_503_and_says_nothing_of_itself() {
        let inner = || Box::<dyn std::error::Error + Send + Sync>::from("hunter2");
        for (error, status, code) in [
            (store::Error::Unavailable(inner()), StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
            (store::Error::Schema("hunter2".to_owned()), StatusCode::SERVICE_UNAVAILABLE, "schema_mismatch"),
            (store::Error::Refused(inner()), StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            (store::Error::corrupt("hunter2"), StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.status, problem.code), (status, code));
            assert!(!problem.detail.contains("hunter2"));
        }
    }
}
