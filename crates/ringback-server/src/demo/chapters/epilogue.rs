//! Where to look next.

use super::super::{samples::GENERIC, stage::Stage};
use crate::print;

/// With `once` everything is removed in a moment, so the text says so.
pub(crate) fn tell(stage: &Stage, once: bool) {
    let (api, token) = (stage.api, stage.token.expose());
    let (teller, key) = (&stage.teller, GENERIC.key);
    print::line("");
    print::line(teller.paint.strong("Look around"));
    teller.say(&format!("curl -H 'authorization: Bearer {token}' 'http://{api}/v1/events?key={key}'"));
    teller.say(&format!("ringback find {key} --url http://{api} --token {token}"));
    teller.say(if once {
        "All of it ends here; `ringback demo` without --once keeps it running, `ringback serve` is for real work."
    } else {
        "All of it keeps running; Ctrl-C ends it and removes the folder. `ringback serve` is for real work."
    });
    print::line("");
    teller.say(&format!("token      {token}"));
    teller.say(&format!("dashboard  http://{api}/"));
}
