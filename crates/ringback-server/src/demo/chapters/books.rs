//! Nothing vanishes: the ledger adds up.

use super::super::stage::Stage;
use crate::{failure::Result, screen};

pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    stage.teller.chapter("The books");
    let ledger = stage.ledger().await?;
    let (events, owed) = (&ledger.events, &ledger.deliveries);
    screen::ledger(&ledger).iter().for_each(|sum| stage.teller.say(sum));
    stage.teller.check(ledger.adds_up(), "both lines add up");
    let told = (events.accepted, events.unmatched, events.routed) == (6, 1, 5) && (owed.owed, owed.delivered) == (6, 6);
    stage.teller.check(told, "six events went in, one that nobody wanted; all six deliveries arrived");
    Ok(())
}
