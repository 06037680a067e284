//! `ETag` and `If-Match` (RFC 9110 §8.8.3, §13.1.1): the version of an endpoint.

use axum::extract::FromRequestParts;
use http::{HeaderValue, header, request::Parts};

use crate::{
    api::Api,
    problem::{Fault, Problem},
};

/// The entity tag of a version.
pub(crate) fn etag(version: i64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("quotes and digits make a header value")
}

/// The version that the caller saw; `None` without the header and for `*`.
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl FromRequestParts<Api> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::IF_MATCH).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            return Err(malformed());
        }
        let text = value.to_str().map(str::trim).ok();
        match text {
            Some("*") => Ok(Self(None)),
            Some(text) => version(text).map(|version| Self(Some(version))).ok_or_else(malformed),
            None => Err(malformed()),
        }
    }
}

/// The version in one entity tag. A tag that Ringback never gave, such as a weak one, becomes a negative version, which
/// matches no endpoint.
fn version(tag: &str) -> Option<i64> {
    const NEVER_GIVEN: i64 = -1;
    let (weak, opaque) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
    let digits = opaque.strip_prefix('"')?.strip_suffix('"')?;
    if digits.contains('"') {
        return None;
    }
    Some(if weak { NEVER_GIVEN } else { digits.parse().unwrap_or(NEVER_GIVEN) })
}

fn malformed() -> Problem {
    Problem::bad_request(vec![Fault::parameter("if-match", "malformed", "must be one ETag of the endpoint, or *")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_strong_tag_that_we_gave_can_fit() {
        assert_eq!(version("\"7\""), Some(7));
        assert_eq!(version("W/\"7\""), Some(-1));
        assert_eq!(version("\"seven\""), Some(-1));
        assert_eq!(version("7"), None);
        assert_eq!(version("\"7\", \"8\""), None);
        assert_eq!(etag(7), "\"7\"");
    }
}
