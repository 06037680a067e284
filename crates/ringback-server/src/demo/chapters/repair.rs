//! The receiver is repaired, and a replay delivers the dead letter.

use std::time::Instant;

use super::super::stage::Stage;
use crate::{client::views::Delivery, failure::Result};

pub(super) async fn tell(stage: &mut Stage, letter: &Delivery) -> Result<()> {
    stage.teller.chapter("The repair and the replay");
    stage.teller.say("The customer fixes the receiver.");
    stage.refusing.repair();
    if letter.status != "dead" {
        stage.teller.check(false, "there is a dead letter to replay");
        return Ok(());
    }
    let since = Instant::now();
    let path = format!("/v1/dead-letters/{}/replay", letter.id);
    stage.post(&path, None).await?;
    stage.teller.act(&format!("POST {path}  ->  202"));
    let settled = |delivery: &Delivery| delivery.status != "pending";
    let (deliveries, seen) = stage.watch(&letter.event_id, since, settled).await?;
    let delivered = deliveries.first().is_some_and(|delivery| delivery.status == "delivered");
    let fourth = seen.len() == 1 && seen[0].header("ringback-attempt") == Some("4");
    let told = stage.teller.check(delivered && fourth, "delivered by the fourth attempt: numbers go on, never back");
    let same_id = seen.first().and_then(|arrival| arrival.header("webhook-id")) == Some(letter.event_id.as_str());
    let marked = seen.first().and_then(|arrival| arrival.header("ringback-replay")) == Some("1");
    stage.teller.check(same_id && marked, "under the same webhook-id, marked as a replay: the receiver can tell");
    stage.explain(told, &letter.event_id, &deliveries).await
}
