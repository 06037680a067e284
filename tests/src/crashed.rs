//! What a crash explains.

use std::collections::HashSet;

use crate::{database::Database, receiver::Receiver};

/// Events that the customer has seen and the store does not know to be delivered: what a crash may send again. To be
/// asked while no server runs, of events with one delivery each.
pub async fn seen_but_not_recorded(database: &Database, receiver: &Receiver) -> HashSet<String> {
    let pending = database.ids("delivery", "id").await;
    // A delivery's id is its event's with a number in the low 16 bits.
    let pending: HashSet<_> = pending.iter().map(|id| format!("evt_{}0000", &id[..28])).collect();
    let seen: HashSet<_> = receiver.arrived().iter().map(|request| request.id().to_owned()).collect();
    seen.intersection(&pending).cloned().collect()
}
