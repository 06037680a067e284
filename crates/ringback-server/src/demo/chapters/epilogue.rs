//! Where to look next.

use super::super::{samples::GENERIC, stage::Stage};
use crate::print;

/// With `once` everything is removed in a moment, so there is nowhere to look.
pub(crate) fn tell(stage: &Stage, once: bool) {
    let (teller, api, token) = (&stage.teller, stage.api, stage.token.expose());
    print::line("");
    if once {
        teller.say(
            "All of it ends here, and nothing is left behind. `ringback demo` without --once keeps it running, with\n\
             its dashboard; `ringback serve` is for real work.",
        );
        return;
    }
    print::line(teller.paint.strong("Look around"));
    teller.say(&format!("export RINGBACK_URL=http://{api} RINGBACK_TOKEN={token}"));
    teller.say(&format!("ringback find {}", GENERIC.key));
    teller.say("ringback top");
    teller.say(r#"curl -H "authorization: Bearer $RINGBACK_TOKEN" "$RINGBACK_URL/v1/dead-letters""#);
    teller.say("All of it keeps running; Ctrl-C ends it and removes the folder. `ringback serve` is for real work.");
    print::line("");
    teller
        .say(&format!("dashboard  http://{api}/  (log in with the token above: a dead letter and a held destination)"));
}
