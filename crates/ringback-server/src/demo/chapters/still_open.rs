//! What is left when the story is over, so that the dashboard has something to show: a receiver that is away.

use std::time::Instant;

use serde_json::json;

use super::super::{samples::GENERIC, stage::Stage};
use crate::failure::Result;

const TENANT: &str = "night-shift";

/// Nobody listens there.
const AWAY: &str = "http://127.0.0.1:1/calls";

pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    stage.teller.chapter("What is still open");
    let types = [GENERIC.event_type];
    let endpoint = json!({ "tenant": TENANT, "key": "pbx", "url": AWAY, "event_types": types });
    let (endpoint, _) = stage.endpoint(endpoint).await?;
    stage.teller.say(&format!("{TENANT} registers {endpoint} at {AWAY}, where nobody listens tonight."));
    let given_up = emit(stage, "call-3001").await?;
    let (deliveries, _) = stage.watch(&given_up, Instant::now(), |delivery| delivery.status != "pending").await?;
    let dead = deliveries.len() == 1 && deliveries[0].status == "dead";
    stage.teller.check(dead, "the first call's event is given up, with its reason");
    emit(stage, "call-3002").await?;
    let last = emit(stage, "call-3003").await?;
    let (deliveries, _) = stage.watch(&last, Instant::now(), |delivery| delivery.hold_reason.is_some()).await?;
    let held = deliveries.len() == 1 && deliveries[0].hold_reason.as_deref() == Some("failing");
    let claim =
        "after five failures in a row the destination is held: the next calls' events wait, and use up no attempts";
    let told = stage.teller.check(held, claim);
    stage.explain(told, &last, &deliveries).await
}

async fn emit(stage: &Stage, key: &'static str) -> Result<String> {
    let id = stage.emit(&GENERIC.with_key(key), TENANT, None).await?;
    stage.teller.act(&format!("POST /v1/events  {} {key}  ->  202 {id}", GENERIC.event_type));
    Ok(id)
}
