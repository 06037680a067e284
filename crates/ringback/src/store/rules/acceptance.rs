//! What becomes of groups of events: a group is stored as a whole or not at all.

use std::{collections::HashMap, time::Duration};

use super::idempotency::{self, Holder, Holders, Name};
use crate::{
    audit::Entry,
    delivery::Due,
    id::EventId,
    store::{Acceptance, Accepted, EventToAccept, Group},
};

/// What becomes of each event by its idempotency key; [`hand_out`] adds the due deliveries.
#[must_use]
pub fn of_groups(groups: &[Group], holders: &Holders<'_>, window: Duration) -> Vec<Acceptance> {
    let judge = |event: &EventToAccept| idempotency::judge(event, holders, window);
    groups.iter().map(|group| group.events.iter().map(judge).collect()).collect()
}

/// The events that are to be stored: the new ones of groups that are not refused.
pub fn stored<'a>(groups: &'a [Group], answers: &'a [Acceptance]) -> impl Iterator<Item = &'a EventToAccept> {
    groups.iter().zip(answers).flat_map(|(group, answer)| stored_of(group, answer))
}

fn stored_of<'a>(group: &'a Group, answer: &'a [Accepted]) -> impl Iterator<Item = &'a EventToAccept> {
    let entries = if is_refused(answer) { &[] } else { answer };
    group.events.iter().zip(entries).filter(|(_, it)| matches!(it, Accepted::New(_))).map(|(event, _)| event)
}

/// The idempotency keys that the stored events hold from now on.
#[must_use]
pub fn taken<'a>(groups: &'a [Group], answers: &'a [Acceptance]) -> Holders<'a> {
    stored(groups, answers).filter_map(|event| Some((Name::of_accepted(event)?, Holder::accepted(event)))).collect()
}

/// The audit records of the groups of which anything is stored.
pub fn records<'a>(groups: &'a [Group], answers: &'a [Acceptance]) -> impl Iterator<Item = &'a Entry> {
    let groups = groups.iter().zip(answers).filter(|(group, answer)| stored_of(group, answer).next().is_some());
    groups.filter_map(|(group, _)| group.record.as_ref())
}

/// Whether a group is refused as a whole.
#[must_use]
pub fn is_refused(answer: &[Accepted]) -> bool {
    answer.iter().any(Accepted::refuses_group)
}

/// Puts due deliveries into the answers of their events.
pub fn hand_out(groups: &[Group], answers: &mut [Acceptance], due: Vec<Due>) {
    let mut due_of: HashMap<EventId, Vec<Due>> = HashMap::new();
    for due in due {
        due_of.entry(due.id.event()).or_default().push(due);
    }
    for (group, answer) in groups.iter().zip(answers) {
        for (event, entry) in group.events.iter().zip(answer) {
            if let (Accepted::New(slot), Some(due)) = (entry, due_of.remove(&event.id)) {
                *slot = due;
            }
        }
    }
}
