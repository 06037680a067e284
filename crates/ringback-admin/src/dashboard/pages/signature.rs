//! `POST /deliveries/{id}/verify`: a receiver says that a signature is wrong, and the page says which ingredient differs.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use ringback::{id::DeliveryId, operate::signatures::Checked};

use super::phrases::Tone;
use crate::{
    api::{Api, deliveries},
    dashboard::{frame::Frame, submission::Submission, visible::visible, visitor::Visitor},
    problem::Problem,
};

/// Most headers that are read.
const HEADERS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "signature.html")]
struct Page {
    frame: Frame,
    id: DeliveryId,
    tone: Tone,
    verdict: &'static str,
    findings: Vec<(&'static str, String)>,
    /// The body is the payload as it was emitted.
    is_own_body: bool,
}

/// `POST /deliveries/{id}/verify`
pub(in crate::dashboard) async fn check(
    State(api): State<Api>,
    Path(id): Path<String>,
    Submission { visitor, fields, .. }: Submission,
) -> Response {
    let request = fields.get("request").map(String::as_str).unwrap_or_default();
    let page = judge(&api, &visitor, &id, request).await;
    visitor.shown(page)
}

async fn judge(api: &Api, visitor: &Visitor, id: &str, request: &str) -> Result<Page, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let _of_the_visitors_tenant = deliveries::find(api, &visitor.access, id).await?;
    let (headers, body) = taken_apart(request);
    let is_own_body = body.is_none();
    let (tone, verdict, findings) = match api.engine.check_signature(id, headers, body).await? {
        Checked::Report(report) if report.verifies() => (Tone::Good, "The signature is right.", Vec::new()),
        Checked::Report(report) => {
            let verdict = match report.fits {
                Some(_) => "The signature is wrong. It would be right, were it not for this:",
                None => "The signature is wrong:",
            };
            let told = report.findings.iter().map(|it| (it.ingredient.name(), visible(&it.detail)));
            (Tone::Bad, verdict, told.collect())
        }
        Checked::NoEndpoint => (Tone::Plain, "Nothing can be checked: the endpoint is not there any more.", Vec::new()),
        Checked::NothingSigned => {
            (Tone::Plain, "Nothing can be checked: the endpoint has no secret to sign with.", Vec::new())
        }
        Checked::NoBody => (Tone::Plain, "The payload is no longer kept: give the body, too.", Vec::new()),
    };
    Ok(Page { frame: visitor.frame(api), id, tone, verdict, findings, is_own_body })
}

/// The headers, one on each line, and after an empty line the body, if there is one. Lines that are no headers, such as the
/// request's first, are passed over. Browsers send each line end of a form as two characters; bodies have one.
fn taken_apart(request: &str) -> (Vec<(String, String)>, Option<Vec<u8>>) {
    let request = request.replace("\r\n", "\n");
    let (head, body) = request.split_once("\n\n").unwrap_or((&request, ""));
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    let headers = headers.filter(|(name, _)| !name.is_empty()).take(HEADERS_MAX).collect();
    (headers, (!body.is_empty()).then(|| body.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_headers_and_maybe_a_body() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let (headers, body) = taken_apart("POST /hook HTTP/1.1\r\nWebhook-Id: evt_1\r\nX: a: b\r\n\r\n{\"a\":\r\n 1}");
        assert_eq!(headers, [pair("Webhook-Id", "evt_1"), pair("X", "a: b")]);
        assert_eq!(body.as_deref(), Some(&b"{\"a\":\n 1}"[..]));
        assert_eq!(taken_apart("webhook-id: evt_1"), (vec![pair("webhook-id", "evt_1")], None));
        assert_eq!(taken_apart(""), (Vec::new(), None));
    }
}
