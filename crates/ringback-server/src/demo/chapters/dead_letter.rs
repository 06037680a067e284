//! The generic document: a receiver that stays down, and the dead letter when the attempts are used up.

use std::time::Instant;

use serde_json::json;

use super::super::{
    receivers::Rule,
    samples::{GENERIC, UNWANTED},
    stage::Stage,
};
use crate::{
    client::views::Delivery,
    failure::{Failure, Result},
    print, screen,
};

const TENANT: &str = "front-desk";
const TOKEN: &str = "a-token-that-the-customer-gave";

/// Returns the delivery that died.
pub(super) async fn tell(stage: &mut Stage) -> Result<Delivery> {
    stage.teller.chapter("A receiver that stays down (generic platform: call.ended)");
    let path = "/hooks";
    let endpoint = json!({
        "tenant": TENANT, "key": "crm", "preset": "default", "url": stage.refusing.url(path),
        "event_types": ["call.*"], "auth": { "type": "bearer", "token": TOKEN },
    });
    let (endpoint, secret) = stage.endpoint(endpoint).await?;
    stage.refusing.expect(path, Rule::StandardAndBearer { secret, token: TOKEN.to_owned() });
    stage.teller.say(&format!("{TENANT} registers {endpoint} for call.*, with a signature and a bearer token"));
    unwanted(stage).await?;
    let since = Instant::now();
    let id = stage.emit(&GENERIC, TENANT, None).await?;
    stage.teller.act(&format!("POST /v1/events  call.ended  ->  202 {id}"));
    let (mut deliveries, seen) = stage.watch(&id, since, |delivery| delivery.status != "pending").await?;
    let Some(letter) = deliveries.pop() else {
        return Err(Failure::failed(format!("{id} was owed to nobody, which cannot be")));
    };
    let dead = letter.status == "dead" && letter.dead_reason.as_deref() == Some("exhausted");
    let three = seen.len() == 3 && letter.attempt_count == 3;
    stage.teller.check(dead && three, "three attempts, then a dead letter: given up, not forgotten");
    at_three_in_the_morning(stage, &id, &letter).await?;
    Ok(letter)
}

/// An event that no endpoint wants is kept with the reason.
async fn unwanted(stage: &Stage) -> Result<()> {
    let id = stage.emit(&UNWANTED, TENANT, None).await?;
    stage.teller.act(&format!("POST /v1/events  {}  ->  202 {id}", UNWANTED.event_type));
    let event = stage.event(&id).await?;
    let reason = event.routing.first().and_then(|routing| routing.reason.as_deref());
    let kept = event.state == "unmatched" && reason == Some("type_not_selected");
    stage.teller.check(kept, "sent to nobody, and the reason is kept: crm does not select this type");
    Ok(())
}

/// The customer calls. The screen is the one of `ringback find`.
async fn at_three_in_the_morning(stage: &Stage, id: &str, letter: &Delivery) -> Result<()> {
    print::line("");
    stage.teller.say(&format!("\"We never got the webhook for {}.\"", GENERIC.key));
    stage.teller.act(&format!("ringback find {}", GENERIC.key));
    print::line("");
    let event = stage.event(id).await?;
    screen::event(&event, stage.teller.paint);
    screen::delivery(letter, &event, stage.teller.paint);
    Ok(())
}
