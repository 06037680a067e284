//! Levers' `phone_call.ended` with Svix' headers: two endpoints for redundancy, one of which is being redeployed.

use std::time::Instant;

use serde_json::json;

use super::super::{
    receivers::{Arrival, Receiver, Rule},
    samples::LEVERS,
    stage::Stage,
};
use crate::{client::views::Delivery, failure::Result};

const TENANT: &str = "collectors";

pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    stage.teller.chapter("Two endpoints, one having a bad minute (Levers: phone_call.ended, Svix headers)");
    let primary = register(stage, &stage.healthy, "primary").await?;
    let standby = register(stage, &stage.flaky, "standby").await?;
    stage.teller.say(&format!("{TENANT} registers a primary {primary} and a standby {standby}, each with a secret."));
    test(stage, &primary).await?;
    call_ended(stage, &primary, &standby).await?;
    once_more(stage).await
}

async fn register(stage: &Stage, receiver: &Receiver, name: &str) -> Result<String> {
    let path = format!("/levers/{name}");
    let endpoint = json!({
        "tenant": TENANT, "key": name, "name": name, "preset": "levers",
        "url": receiver.url(&path), "event_types": [LEVERS.event_type],
    });
    let (id, secret) = stage.endpoint(endpoint).await?;
    receiver.expect(&path, Rule::Svix { secret });
    Ok(id)
}

/// The customer presses "send a test event" first, as the document advises.
async fn test(stage: &mut Stage, primary: &str) -> Result<()> {
    let since = Instant::now();
    let path = format!("/v1/endpoints/{primary}/test");
    let sent = stage.post(&path, Some(&json!({}))).await?;
    stage.teller.act(&format!("POST {path}  ->  202"));
    let id = sent["event_id"].as_str().unwrap_or_default().to_owned();
    let (deliveries, seen) = stage.watch(&id, since, settled).await?;
    let marked = seen.len() == 1 && seen[0].header("ringback-test") == Some("1") && seen[0].check.is_ok();
    let told = stage.teller.check(marked, "a test is a real, signed delivery; only a header tells it apart");
    stage.explain(told, &id, &deliveries).await
}

async fn call_ended(stage: &mut Stage, primary: &str, standby: &str) -> Result<()> {
    let since = Instant::now();
    let id = stage.emit(&LEVERS, TENANT, None).await?;
    stage.teller.act(&format!("POST /v1/events  phone_call.ended  ->  202 {id}"));
    let (deliveries, seen) = stage.watch(&id, since, settled).await?;
    let standing = |id: &str| {
        let delivery = deliveries.iter().find(|delivery| delivery.endpoint_id.as_deref() == Some(id));
        delivery.map(|delivery| (delivery.status.as_str(), delivery.attempt_count))
    };
    let teller = &stage.teller;
    let first = standing(primary) == Some(("delivered", 1));
    let first = teller.check(first, "the primary had it at once: the standby's trouble is not its own");
    let third = standing(standby) == Some(("delivered", 3));
    let third = teller.check(third, "the standby had it at the third attempt");
    let same = seen.len() == 4 && seen.iter().all(|arrival| fits(arrival, &id));
    teller.check(same, &format!("svix-id was {id} all four times, and all four signatures fit"));
    stage.explain(first && third, &id, &deliveries).await
}

fn settled(delivery: &Delivery) -> bool {
    delivery.status != "pending"
}

fn fits(arrival: &Arrival, id: &str) -> bool {
    arrival.header("svix-id") == Some(id) && arrival.check.is_ok()
}

/// The platform's worker crashed after emitting, restarts, and emits the same call's end once more.
async fn once_more(stage: &Stage) -> Result<()> {
    stage.teller.act("the platform's worker restarts and emits the same event again");
    let before = stage.ledger().await?.events.accepted;
    let first = stage.event_of(LEVERS.key).await?;
    let same = stage.emit(&LEVERS, TENANT, None).await? == first;
    let stored = stage.ledger().await?.events.accepted - before;
    let claim = "the answer is the first event's id: nothing is stored, nothing is sent twice";
    stage.teller.check(same && stored == 0, claim);
    Ok(())
}
