//! Refuses compressed bodies: a caller could make a small one expand to any size.

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// Nothing but `identity`.
///
/// # Errors
/// 415 for any other content coding, with the one that is taken in `Accept-Encoding` (RFC 9110 §12.5.3).
pub(crate) fn require_none(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is_identity = |value: &HeaderValue| {
        let codings = value.to_str().unwrap_or("malformed").split(',').map(str::trim);
        codings.filter(|coding| !coding.is_empty()).all(|coding| coding.eq_ignore_ascii_case("identity"))
    };
    if codings.all(is_identity) {
        return Ok(());
    }
    let detail = "The body must be sent without a Content-Encoding, or with identity.";
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding", detail);
    Err(problem.with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_no_encoding_and_everything_else_is_one() {
        let required = |values: &[&'static str]| {
            let lines = values.iter().map(|value| (header::CONTENT_ENCODING, HeaderValue::from_static(value)));
            require_none(&lines.collect()).map_err(|problem| problem.status().as_u16())
        };
        for taken in [&[][..], &["identity"], &["Identity"], &[""], &["identity, identity"], &["identity", "identity"]]
        {
            assert_eq!(required(taken), Ok(()), "{taken:?}");
        }
        for refused in [&["gzip"][..], &["br"], &["identity, gzip"], &["gzip, identity"], &["nonsense"]] {
            assert_eq!(required(refused), Err(415), "{refused:?}");
        }
    }
}
