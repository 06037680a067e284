//! Checks a signature that a receiver complains of against what was sent, without showing a secret.

use crate::{
    Engine,
    attempt::Detail,
    compute::compute,
    endpoint::{Endpoint, Scheme},
    id::DeliveryId,
    operate::sent::SentRead,
    store,
    time::Timestamp,
    verify::{Expectation, Report, Request},
};

/// A signature is tried in some hundred ways before it is given up, each of which hashes the body.
const TRIES: usize = 200;

/// What came of a check.
#[derive(Debug)]
pub enum Checked {
    /// The endpoint that the delivery was for is not there any more, or the destination came with the event.
    NoEndpoint,
    /// The endpoint signs nothing, or its secret cannot be read.
    NothingSigned,
    /// The payload is no longer kept, and no body was given.
    NoBody,
    /// What differs.
    Report(Box<Report>),
}

impl Engine {
    /// Checks the headers that a receiver got with a delivery, against its endpoint's scheme and secrets; and the body that
    /// it got, or else the body as it is sent. How old the signature is does not count: it is looked at later.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn check_signature(
        &self,
        id: DeliveryId,
        headers: Vec<(String, String)>,
        body: Option<Vec<u8>>,
    ) -> store::Result<Checked> {
        let directory = self.directory().await?;
        let Some(row) = self.delivery(id).await? else { return Ok(Checked::NoEndpoint) };
        let endpoint = row.endpoint.and_then(|id| directory.endpoint(id));
        let Some(endpoint) = endpoint else { return Ok(Checked::NoEndpoint) };
        let secrets = secrets(endpoint);
        if secrets.is_empty() || endpoint.spec.scheme == Scheme::None {
            return Ok(Checked::NothingSigned);
        }
        let url = self.last_url(id, endpoint).await?;
        let body = match body {
            Some(body) => body,
            None => match self.sent(&row, attempt_of(&headers, &self.settings().header_prefix)).await? {
                SentRead::Bytes { body, .. } => body.to_vec(),
                SentRead::Gone(_) | SentRead::Unroutable(_) => return Ok(Checked::NoBody),
            },
        };
        let expectation = Expectation {
            scheme: endpoint.spec.scheme.clone(),
            secrets,
            tolerance: None,
            url,
            id: Some(id.event().to_string()),
        };
        let request = Request { method: endpoint.spec.method, headers, body };
        let judge = move || expectation.judge(&request, Timestamp::now());
        Ok(Checked::Report(Box::new(compute(TRIES * self.settings().max_payload_bytes.min(64 * 1024), judge).await)))
    }
}

/// Which attempt it was, as the request itself says: a body may have its number.
fn attempt_of(headers: &[(String, String)], prefix: &str) -> Option<i32> {
    let name = format!("{prefix}attempt");
    let (_, number) = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(&name))?;
    number.trim().parse().ok()
}

impl Engine {
    /// Where the delivery was sent last, if the endpoint has two URLs.
    async fn last_url(&self, id: DeliveryId, endpoint: &Endpoint) -> store::Result<String> {
        let own = endpoint.spec.url.clone();
        let Some(other) = &endpoint.spec.fallback_url else { return Ok(own) };
        let last = self.attempts(id).await?.pop();
        let is_other = last.is_some_and(|last| Detail::from_bytes(&last.detail).url == other.as_str());
        Ok(if is_other { other.clone() } else { own })
    }
}

/// The secrets that count, the present one first, and those that were rotated away.
fn secrets(endpoint: &Endpoint) -> Vec<String> {
    match endpoint.public_key() {
        Some(key) => vec![key],
        None => endpoint.credentials.secrets.iter().map(|secret| secret.text.clone()).collect(),
    }
}
