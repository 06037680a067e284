//! Nothing vanishes: the ledger adds up.

use super::super::stage::Stage;
use crate::failure::Result;

pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    stage.teller.chapter("The books");
    let ledger = stage.ledger().await?;
    let (events, owed) = (&ledger.events, &ledger.deliveries);
    stage.teller.say(&format!(
        "events      {} accepted = {} unrouted + {} duplicate + {} unmatched + {} routed",
        events.accepted, events.unrouted, events.duplicate, events.unmatched, events.routed
    ));
    stage.teller.say(&format!(
        "deliveries  {} owed = {} pending + {} delivered + {} dead + {} cancelled",
        owed.owed, owed.pending, owed.delivered, owed.dead, owed.cancelled
    ));
    let balanced = events.accepted == events.unrouted + events.duplicate + events.unmatched + events.routed
        && owed.owed == owed.pending + owed.delivered + owed.dead + owed.cancelled;
    stage.teller.check(balanced, "both lines add up");
    let told = (events.accepted, events.unmatched, events.routed) == (6, 1, 5) && (owed.owed, owed.delivered) == (6, 6);
    stage.teller.check(told, "six events went in, one that nobody wanted; all six deliveries arrived");
    Ok(())
}
