//! Nothing vanishes: the ledger adds up.

use super::super::{samples::GENERIC, stage::Stage};
use crate::{failure::Result, print};

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
    let told = (events.accepted, events.unmatched, events.routed) == (5, 1, 4) && (owed.owed, owed.delivered) == (5, 5);
    stage.teller.check(told, "five events went in, one that nobody wanted; all five deliveries arrived");
    epilogue(stage);
    Ok(())
}

fn epilogue(stage: &Stage) {
    let (api, token) = (stage.api, stage.token.expose());
    let teller = &stage.teller;
    print::line("");
    print::line(teller.paint.strong("Look around"));
    teller.say(&format!("API    http://{api}"));
    teller.say(&format!("token  {token}"));
    teller.say(&format!("curl -H 'Authorization: Bearer {token}' 'http://{api}/v1/events?key={}'", GENERIC.key));
    teller.say(&format!("ringback find {} --url http://{api} --token {token}", GENERIC.key));
    teller.say("Run it for real: ringback serve");
}
