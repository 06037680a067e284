//! Levers' `phone_call.ended` with Svix' headers: two endpoints for redundancy, one of which is being redeployed.

use std::{collections::BTreeSet, time::Instant};

use serde_json::json;

use super::super::{
    receivers::{Arrival, Receiver, Rule, Temper},
    samples::LEVERS,
    stage::Stage,
};
use crate::failure::Result;

const TENANT: &str = "collectors";

pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    stage.teller.chapter("Two endpoints, one having a bad minute (Levers: phone_call.ended, Svix headers)");
    let first = register(stage, &stage.healthy, "primary").await?;
    let second = register(stage, &stage.flaky, "standby").await?;
    stage.teller.say(&format!("{TENANT} registers a primary {first} and a standby {second}, each with a secret"));
    let since = Instant::now();
    let id = stage.emit(&LEVERS, TENANT, "").await?;
    stage.teller.act(&format!("POST /v1/events  phone_call.ended  ->  202 {id}"));
    let (deliveries, seen) = stage.watch(&id, since, |delivery| delivery.status != "pending").await?;
    let standing = |id: &str| {
        let delivery = deliveries.iter().find(|delivery| delivery.endpoint_id.as_deref() == Some(id));
        delivery.map(|delivery| (delivery.status.as_str(), delivery.attempt_count))
    };
    stage.teller.check(
        standing(&first) == Some(("delivered", 1)),
        "the primary had it at once: the standby's trouble is not its own",
    );
    stage.teller.check(standing(&second) == Some(("delivered", 3)), "the standby had it at the third attempt");
    stage.teller.check(
        same_id_signed_anew(&seen, &id),
        &format!("svix-id was {id} every time, and every attempt was signed anew"),
    );
    again(stage, &id).await
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

/// One id for the whole event, and on the standby a signature for each attempt.
fn same_id_signed_anew(seen: &[Arrival], id: &str) -> bool {
    let ids: BTreeSet<_> = seen.iter().filter_map(|arrival| arrival.header("svix-id")).collect();
    let standby = seen.iter().filter(|arrival| arrival.receiver == Temper::Flaky);
    let verified = standby.filter(|arrival| arrival.check.is_ok()).count();
    ids.into_iter().eq([id]) && verified == 3
}

/// The platform's worker crashed and emits the same call's end once more.
async fn again(stage: &mut Stage, id: &str) -> Result<()> {
    let same = stage.emit(&LEVERS, TENANT, "").await?;
    stage.teller.act("the platform's worker restarts and emits the same event again");
    stage.teller.check(same == id, "the answer is the first event's id; nothing was stored, nothing is sent");
    Ok(())
}
