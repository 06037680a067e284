//! Introduces the receivers of the story.

use super::super::stage::Stage;
use crate::print;

pub(super) fn tell(stage: &Stage) {
    let teller = &stage.teller;
    print::line(teller.paint.strong("What happens between \"the call has ended\" and \"the customer knows\""));
    print::line("");
    teller.say(
        "Voice platforms promise their customers a webhook when a call ends. Below, Ringback keeps the\n\
         promises of five vendors' documents. It all happens now, on this machine: a database, the engine,\n\
         its API, its dashboard, and three receivers that check what they get and share no code with the\n\
         signer. (Plain http and loopback are refused unless allowed; here they are. Delays are shortened.)\n\n",
    );
    teller.say(&format!("database  {}", stage.folder().join("ringback.db").display()));
    teller.say(&format!("API       http://{}", stage.api));
    teller.say(&format!("healthy   {}  answers 200", stage.healthy.address));
    teller.say(&format!("flaky     {}  answers 503 twice, then 200", stage.flaky.address));
    teller.say(&format!("refusing  {}  answers 500 until somebody repairs it", stage.refusing.address));
}
