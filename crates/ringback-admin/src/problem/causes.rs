//! The problems that callers get for the engine's errors. Internal faults are logged here, once, and nowhere else.

use http::{HeaderValue, StatusCode, header};
use ringback::{
    TestError,
    endpoint::{UNREADABLE, WouldDestroy},
    invalid::Invalid,
    operate::{NotReady, elsewhere, endpoints, replays},
    store,
};

use super::Problem;

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::invalid(invalid)
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(_)
            | store::Error::Locked(_)
            | store::Error::ReadOnly(_)
            | store::Error::Full(_)
            | store::Error::Gone(_) => {
                tracing::warn!(%error, "the store is not available");
                away(
                    "store_unavailable",
                    "The database is not available right now; the same request may succeed later.",
                )
            }
            store::Error::Damaged(_) => {
                tracing::error!(%error, "the database is damaged");
                away("store_damaged", "The database is damaged; its operator must repair it.")
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

impl From<NotReady> for Problem {
    fn from(why: NotReady) -> Self {
        match why {
            NotReady::Store(error) => error.into(),
            NotReady::Damaged(_) => {
                tracing::error!(%why, "not ready");
                away("store_damaged", &format!("This node cannot work as it should: {why}."))
            }
            NotReady::NoWrite { .. } => {
                tracing::error!(%why, "not ready");
                away("not_writable", &format!("The database takes no writes: {why}."))
            }
            why => {
                tracing::error!(%why, "not ready");
                away("stalled", &format!("This node does not send what it has taken on: {why}."))
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
            endpoints::Error::OverlapInUse(broken) => Self {
                errors: vec![
                    ringback::invalid::Finding {
                        pointer: "/secret".to_owned(),
                        code: "overlap_in_use",
                        detail: broken.to_string(),
                    }
                    .into(),
                ],
                ..Self::conflict(
                    "overlap_in_use",
                    format!(
                        "A rotation is under way: {broken}. POST rotate-secret with \"force\": true ends it early; otherwise wait."
                    ),
                )
            },
            endpoints::Error::OtherContent(_) => Self::idempotency_conflict(),
            endpoints::Error::Contended => {
                away("contended", "Too many change this endpoint at once; the same request may succeed later.")
            }
            endpoints::Error::Absent => Self::not_found(),
            endpoints::Error::Unreadable(why) => Self::unreadable(&why),
            endpoints::Error::VersionMismatch => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                "The endpoint has changed since the version that If-Match names.",
            ),
            endpoints::Error::Store(error) => error.into(),
        }
    }
}

impl From<elsewhere::Error> for Problem {
    fn from(error: elsewhere::Error) -> Self {
        match error {
            elsewhere::Error::Invalid(invalid) => Self::invalid(invalid),
            elsewhere::Error::Store(error) => error.into(),
        }
    }
}

impl From<replays::Error> for Problem {
    fn from(error: replays::Error) -> Self {
        match error {
            replays::Error::Absent => Self::not_found(),
            replays::Error::Filtered => Self::invalid(Invalid::one(
                "/filter/endpoint_id",
                "conflict",
                format!("{error}: take it away for the replay"),
            )),
            replays::Error::OtherContent(_) => Self::idempotency_conflict(),
            replays::Error::Store(error) => error.into(),
        }
    }
}

impl From<TestError> for Problem {
    fn from(error: TestError) -> Self {
        match error {
            TestError::Absent => Self::not_found(),
            TestError::OtherContent(_) => Self::idempotency_conflict(),
            TestError::Unreadable(why) => Self::unreadable(&why),
            TestError::Emit(error) => Self::of_emit(error, |_| String::new()),
        }
    }
}

impl Problem {
    /// The refusal of a request that needs values of an endpoint that cannot be read.
    fn unreadable(why: &WouldDestroy) -> Self {
        Self::conflict(UNREADABLE, format!("The endpoint is unreadable: {why}."))
    }
}

/// 503: the same request may succeed soon.
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
            (store::Error::Locked(inner()), StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
            (store::Error::ReadOnly(inner()), StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
            (store::Error::Full(inner()), StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
            (store::Error::Damaged(inner()), StatusCode::SERVICE_UNAVAILABLE, "store_damaged"),
            (store::Error::Gone("hunter2".to_owned()), StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
            (store::Error::Schema("hunter2".to_owned()), StatusCode::SERVICE_UNAVAILABLE, "schema_mismatch"),
            (store::Error::Refused(inner()), StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            (store::Error::corrupt("hunter2"), StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            (store::Error::Panicked("hunter2"), StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.status, problem.code), (status, code));
            assert!(!problem.detail.contains("hunter2"));
        }
    }
}
