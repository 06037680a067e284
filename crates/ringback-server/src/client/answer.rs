//! An answer of the API: a result, or a problem document that becomes one line for people.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};

use super::spelled;
use crate::{
    failure::{Failure, Result},
    print::{self, plain},
};

/// An answer of the API, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The version of the object that it shows, if the object has versions.
    pub(crate) version: Option<u64>,
    /// The body as it came.
    pub(crate) body: Bytes,
}

/// An `application/problem+json` document, as far as people need it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    code: Option<String>,
    errors: Vec<Finding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Finding {
    pointer: Option<String>,
    parameter: Option<String>,
    detail: Option<String>,
}

impl Answer {
    /// The version that an `ETag` says.
    pub(super) fn version_in(headers: &HeaderMap) -> Option<u64> {
        headers.get(header::ETAG)?.to_str().ok()?.trim_matches('"').parse().ok()
    }

    /// The answer if it is a success; with `--json` a problem is also printed as it came.
    ///
    /// # Errors
    /// [`Failure::NothingFound`] for 404, [`Failure::Usage`] for input that is wrong in any state of the installation, and
    /// [`Failure::Failed`] for every other refusal.
    pub(crate) fn accepted(self, json: bool) -> Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        if json {
            self.print();
        }
        let problem: Problem = serde_json::from_slice(&self.body).unwrap_or_default();
        let told = problem.told(self.status);
        Err(match self.status.as_u16() {
            404 => Failure::NothingFound(told),
            // The input is right by itself, but conflicts with an earlier request.
            422 if problem.code.as_deref() == Some("idempotency_conflict") => Failure::Failed(told),
            400 | 413 | 415 | 422 => Failure::Usage(vec![told]),
            _ => Failure::Failed(told),
        })
    }

    /// The body, parsed.
    ///
    /// # Errors
    /// [`Failure::Failed`] if it does not have the form of this version of the API.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::failed(format!("the answer is not one of Ringback's API: {error}")))
    }

    /// Prints the body as it came, and a line's end.
    pub(crate) fn print(&self) {
        print::raw(&self.body);
        print::raw(b"\n");
    }
}

impl Problem {
    /// One line for people: each wrong field, named by its flag, with what would be right; or why the whole was refused.
    fn told(&self, status: StatusCode) -> String {
        let whole = self.detail.as_deref().or(self.title.as_deref()).unwrap_or("no reason was given");
        let code = self.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        let findings: Vec<String> = self.errors.iter().map(Finding::told).collect();
        let told = if findings.is_empty() { whole.to_owned() } else { findings.join("; ") };
        plain(&format!("{told} ({}{code})", status.as_u16()))
    }
}

impl Finding {
    fn told(&self) -> String {
        let place = spelled(self.pointer.as_deref().or(self.parameter.as_deref()).unwrap_or_default());
        format!("{place} {}", self.detail.as_deref().unwrap_or_default()).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), version: None, body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn a_problem_is_told_in_one_line_with_its_fields() {
        let body = r#"{"title":"Unprocessable","detail":"a field is wrong","code":"invalid_body",
            "errors":[{"pointer":"/url","code":"https_required","detail":"must begin with https://"}]}"#;
        let Err(Failure::Usage(told)) = answer(422, body).accepted(false) else { panic!() };
        assert_eq!(told[0], "DESTINATION must begin with https:// (422 invalid_body)");
    }

    #[test]
    fn wrong_input_is_wrong_usage_and_a_conflict_with_earlier_things_is_a_failure() {
        assert!(matches!(answer(400, "{}").accepted(false), Err(Failure::Usage(_))));
        let conflict = r#"{"code":"idempotency_conflict"}"#;
        assert!(matches!(answer(422, conflict).accepted(false), Err(Failure::Failed(_))));
        assert!(matches!(answer(409, "{}").accepted(false), Err(Failure::Failed(_))));
    }

    #[test]
    fn absent_things_are_nothing_found_and_strange_bodies_do_no_harm() {
        assert!(matches!(answer(404, "{}").accepted(false), Err(Failure::NothingFound(_))));
        let Err(Failure::Failed(told)) = answer(502, "<html>").accepted(false) else { panic!() };
        assert_eq!(told, "no reason was given (502)");
    }
}
