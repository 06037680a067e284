//! A look as lines of a screen.

use super::snapshot::{Destination, Snapshot, Waiting};
use crate::{
    print::{Paint, Table, Tone, moment, plain},
    screen,
};

/// Most destinations that are shown: with the head they fit on the smallest of terminals.
const DESTINATIONS_MAX: usize = 15;

/// From here on, in seconds, a due delivery is late: healthy lanes send within a moment.
const LATE: u64 = 60;

/// The lines.
pub(super) fn lines(snapshot: &Snapshot, tenant: Option<&str>, paint: Paint) -> Vec<String> {
    let of = match (tenant, &snapshot.waiting) {
        (Some(tenant), _) => format!("tenant {tenant}"),
        (None, Some(_)) => "every tenant".to_owned(),
        (None, None) => "the token's tenant".to_owned(),
    };
    let head = format!("Ringback  {}  {of}, events of the last 24 hours", moment::clock(snapshot.at));
    let mut lines = vec![paint.strong(&plain(&head))];
    lines.extend(screen::ledger(&snapshot.ledger));
    lines.extend(snapshot.waiting.as_ref().map(|waiting| backlog(waiting, paint)));
    lines.push(String::new());
    if snapshot.destinations.is_empty() {
        lines.push(paint.good("nothing waits, and nothing died in the last 24 hours"));
        return lines;
    }
    lines.extend(table(&snapshot.destinations, tenant.is_none()).lines(paint));
    let more = snapshot.destinations.len().saturating_sub(DESTINATIONS_MAX);
    if more > 0 {
        lines.push(format!("and {more} destinations more"));
    }
    lines
}

fn backlog(waiting: &Waiting, paint: Paint) -> String {
    let due = waiting.oldest_due_seconds as u64;
    let oldest = match due {
        0 => "nothing is due".to_owned(),
        due => format!("the oldest due for {}", ringback::time::span(due)),
    };
    let held = if waiting.lanes_held == 1 { "1 lane".to_owned() } else { format!("{} lanes", waiting.lanes_held) };
    let told = format!("backlog     {} pending, {oldest}, {held} held", waiting.pending);
    if due >= LATE { paint.bad(&told) } else { told }
}

fn table(destinations: &[Destination], of_any: bool) -> Table<7> {
    let table = Table::new(["DEAD 24 H", "LAST ERROR", "PENDING", "HELD", "TENANT", "ENDPOINT", "TO"]);
    let table = table.toned("LAST ERROR", |_| Tone::Bad).toned("HELD", |_| Tone::Pending);
    let mut table = table.only_if("TENANT", of_any);
    for destination in destinations.iter().take(DESTINATIONS_MAX) {
        table.row([
            destination.dead.to_string(),
            destination.last_error.clone().unwrap_or_default(),
            destination.pending.to_string(),
            destination.hold_reason.clone().unwrap_or_default(),
            destination.tenant.clone(),
            destination.endpoint_id.clone().unwrap_or_else(|| "-".to_owned()),
            destination.host.clone(),
        ]);
    }
    table
}
