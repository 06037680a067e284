//! One request, for people and for programs.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::door::Visit;
use ringback::verify::Shown as Verified;

use crate::{
    failure::{Failure, Result},
    print::{self, Paint, bytes, moment, plain},
};

/// Most characters of a body that people are shown.
const BODY_CHARS_MAX: usize = 4_000;

/// A request as one line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    at: ringback::time::Timestamp,
    method: &'a str,
    path: String,
    headers: BTreeMap<&'a str, &'a str>,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Verified<'a>>,
    answered: u16,
}

/// Prints it as JSON. A body that is not text is base64, as in the API.
pub(super) fn as_json(visit: &Visit) -> Result<()> {
    let (body, body_encoding) = match str::from_utf8(&visit.request.body) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(&visit.request.body), Some("base64")),
    };
    let line = Line {
        at: visit.at,
        method: visit.method.as_str(),
        path: visit.uri.to_string(),
        headers: visit.request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        body,
        body_encoding,
        signature: visit.report.as_ref().map(ringback::verify::Report::shown),
        answered: visit.status.as_u16(),
    };
    print::line(serde_json::to_string(&line).map_err(Failure::failed)?);
    Ok(())
}

/// Prints it as it stood on the wire, and what the check found.
pub(super) fn to_people(visit: &Visit, paint: Paint) {
    let head = format!("{} {}", visit.method, visit.uri);
    print::line(format!("{}  {}", moment::clock(visit.at), paint.strong(&plain(&head))));
    for (name, value) in &visit.request.headers {
        print::line(paint.faint(&plain(&format!("  {name}: {value}"))));
    }
    body(&visit.request.body);
    if let Some(report) = &visit.report {
        let told =
            if report.verifies() { paint.good("the signature verifies") } else { paint.bad("it does not verify:") };
        print::line(format!("  {told}"));
        report.findings.iter().for_each(|finding| print::line(paint.bad(&plain(&format!("    {finding}")))));
    }
    print::line(format!("  answered {}", visit.status.as_u16()));
    print::line("");
}

fn body(body: &[u8]) {
    let Ok(text) = str::from_utf8(body) else {
        print::line(format!("  {} that are no text", bytes(body.len() as u64)));
        return;
    };
    let shown: String = text.chars().take(BODY_CHARS_MAX).collect();
    shown.lines().for_each(|line| print::line(format!("  {}", plain(line))));
    if shown.len() < text.len() {
        print::line(format!("  … {} in all", bytes(text.len() as u64)));
    }
}
