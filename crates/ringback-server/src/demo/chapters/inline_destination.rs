//! The external-URL document: the destination came with the request that started the call, and there is no endpoint.

use std::time::Instant;

use serde_json::json;

use super::super::{
    receivers::Rule,
    samples::EXTERNAL,
    stage::{Stage, retry},
};
use crate::failure::Result;

pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    stage.teller.chapter("A URL that came with the call (external_webhook_url)");
    let url = stage.healthy.expect("/webhook_url", Rule::Bytes(EXTERNAL.payload()));
    stage.teller.say("No endpoint is registered: the URL stood in the request that started the call.");
    let since = Instant::now();
    let destination = json!({ "url": url, "retry": retry() });
    let id = stage.emit(&EXTERNAL, "viewings", Some(&destination)).await?;
    stage.teller.act(&format!("POST /v1/events  destination {url}  ->  202 {id}"));
    let (deliveries, seen) = stage.watch(&id, since, |delivery| delivery.status != "pending").await?;
    let delivered = deliveries.len() == 1 && deliveries[0].status == "delivered";
    let exact = seen.len() == 1 && seen[0].check.is_ok();
    let told = stage.teller.check(delivered && exact, "delivered once, unsigned as documented, white space and all");
    stage.explain(told, &id, &deliveries).await
}
