//! Names in SQL statements. `{status.delivered}` stands for the number that stores keep for that word, so that no statement
//! has a bare number, and a statement that names a removed word fails. `{part.…}` stands for text that several statements
//! share.

use super::{ExpungeState, ReplayState};
use crate::{
    attempt::Conclusion,
    delivery::{DeadReason, Marks, Status},
    word::words,
};

words! {
    /// How a delivery in `finished` ended.
    Ending {
        Delivered = 1 "delivered": "a receiver answered that it has it",
        Cancelled = 2 "cancelled": "nobody is owed it any more",
    }

    /// Why an event has no delivery.
    NoDelivery {
        Unmatched = 1 "unmatched": "no endpoint wanted it",
        Duplicate = 2 "duplicate": "it was folded into an earlier one",
    }

    /// How a delivery that a replay released ended.
    ReplayOutcome {
        Delivered = 1 "delivered": "a receiver answered that it has it",
        Dead = 2 "dead": "it was given up",
    }

    /// What a change is about.
    ChangeKind {
        Endpoint = 1 "endpoint": "an endpoint was made, changed or deleted",
        EventExpunged = 2 "event_expunged": "an event was expunged",
        DeliveryReleased = 3 "delivery_released": "something in a lane may be due again",
    }
}

/// Every word that statements may name: its column, its name, and its number.
fn all() -> impl Iterator<Item = (&'static str, &'static str, i16)> {
    macro_rules! of {
        ($column:literal, $words:ty) => {
            <$words>::ALL.iter().map(|word| ($column, word.name(), word.code()))
        };
    }
    let marks = [
        ("marks", "test", Marks { test: true, ..Marks::default() }.bits()),
        ("marks", "replay", Marks { replay: true, ..Marks::default() }.bits()),
        ("marks", "delivered_before", Marks { delivered_before: true, ..Marks::default() }.bits()),
    ];
    marks
        .into_iter()
        .chain(of!("status", Status))
        .chain(of!("finished", Ending))
        .chain(of!("verdict", NoDelivery))
        .chain(of!("reason", DeadReason))
        .chain(of!("conclusion", Conclusion))
        .chain(of!("replay", ReplayState))
        .chain(of!("expunge", ExpungeState))
        .chain(of!("outcome", ReplayOutcome))
        .chain(of!("change", ChangeKind))
}

/// A statement with the text of `parts` in place of their names, such as `{part.endpoint_columns}`, and then with numbers
/// in place of words: the words that every store has, and `own`, which only this store has.
#[must_use]
pub fn put_in(statement: &str, parts: &[(&str, &str)], own: &[(&'static str, &'static str, i16)]) -> String {
    let mut text = statement.to_owned();
    // In a loop, because a part may name other parts.
    while let Some((name, part)) = parts.iter().find(|(name, _)| text.contains(&format!("{{part.{name}}}"))) {
        let part: Vec<_> = part.lines().filter(|line| !line.starts_with("--")).collect();
        text = text.replace(&format!("{{part.{name}}}"), &part.join("\n"));
    }
    for (column, name, code) in all().chain(own.iter().copied()) {
        let named = format!("{{{column}.{name}}}");
        if text.contains(&named) {
            text = text.replace(&named, &code.to_string());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_in_and_nothing_else() {
        let own = [("settlement", "keep", 3)];
        let text = "{status.dead} {marks.delivered_before} {settlement.keep} {schema}.x '{}' {status.lost}";
        assert_eq!(put_in(text, &[], &own), "3 4 3 {schema}.x '{}' {status.lost}");
        let parts = [("all", "-- All.\nid, {part.rest}"), ("rest", "{status.dead}")];
        assert_eq!(put_in("SELECT {part.all} FROM {part.none}", &parts, &[]), "SELECT id, 3 FROM {part.none}");
    }

    #[test]
    fn no_column_has_a_code_or_a_name_twice() {
        let all: Vec<_> = all().collect();
        for (index, (column, name, code)) in all.iter().enumerate() {
            assert!(
                !all[..index].iter().any(|it| it.0 == *column && (it.1 == *name || it.2 == *code)),
                "{column}.{name}"
            );
        }
    }
}
