//! Whether this machine's clock and the database's agree.

use ringback::{Engine, operate::clocks::Compared};

use super::Finding;

pub(super) async fn check(engine: &Engine) -> Finding {
    match engine.compare_clocks().await {
        Ok(compared) => judged(&compared),
        Err(error) => Finding::wrong("clock", format!("the database does not tell its time: {error}")),
    }
}

fn judged(compared: &Compared) -> Finding {
    let Compared { node, database, apart, .. } = compared;
    let told = format!("it is {node} on this machine and {database} in the database");
    let synchronise = "have both synchronise their clocks (`timedatectl` shows whether they do)";
    if compared.stops_upkeep() {
        Finding::wrong("clock", format!("{told}; nothing that is old is dropped while they are so far apart"))
            .remedy(synchronise)
    } else if compared.moves_events() {
        Finding::warning(
            Some("clock"),
            format!("{told}, {} ms apart; events get the database's time", apart.as_millis()),
        )
        .remedy(synchronise)
    } else {
        Finding::fine("clock", "this machine and the database agree")
    }
}
