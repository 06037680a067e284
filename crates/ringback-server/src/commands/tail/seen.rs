//! What was seen of deliveries, to find those that have changed since.

use std::{collections::HashMap, time::Duration};

use ringback::time::Timestamp;

use crate::client::views::Delivery;

/// A delivery that comes into view, and is older than the newest one of the look before by more than this, is not new:
/// what stood before it in its list has gone. Long enough for what was committed late.
const LATE_MAX: Duration = Duration::from_secs(60);

/// Most deliveries that are remembered: then those that are out of view are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// How a delivery stood.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    status: String,
    attempts: u32,
    hold: Option<String>,
}

/// The deliveries of earlier looks.
#[derive(Debug, Default)]
pub(super) struct Seen {
    standings: HashMap<String, Standing>,
    newest: Option<Timestamp>,
}

impl Seen {
    /// Those of a look that are new or stand otherwise than before, the oldest first.
    pub(super) fn changed<T>(&mut self, look: Vec<T>, delivery: impl Fn(&T) -> &Delivery) -> Vec<T> {
        if self.standings.len() > REMEMBERED_MAX {
            self.standings.retain(|id, _| look.iter().any(|each| delivery(each).id == *id));
        }
        let (earliest, mut changed) = (self.newest, Vec::new());
        for each in look {
            let delivery = delivery(&each);
            let standing = Standing {
                status: delivery.status.clone(),
                attempts: delivery.attempt_count,
                hold: delivery.hold_reason.clone(),
            };
            let at = moment(delivery);
            self.newest = self.newest.max(Some(at));
            let is_news = match self.standings.insert(delivery.id.clone(), standing.clone()) {
                Some(before) => before != standing,
                None => earliest.is_none_or(|newest| at + LATE_MAX >= newest),
            };
            if is_news {
                changed.push((at, each));
            }
        }
        changed.sort_by_key(|(at, _)| *at);
        changed.into_iter().map(|(_, each)| each).collect()
    }
}

/// When it came to stand as it does, as far as a list says.
fn moment(delivery: &Delivery) -> Timestamp {
    delivery.finished_at.unwrap_or(delivery.created_at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delivery(number: u64, status: &str, attempts: u32) -> Delivery {
        let at = Timestamp::from_millis(1_700_000_000_000) + Duration::from_secs(number);
        let finished = (status != "pending").then_some(at);
        serde_json::from_value(json!({
            "id": format!("dlv_{number}"), "event_id": "evt_1", "endpoint_id": null, "tenant": "t", "type": "a",
            "key": null, "url": null, "status": status, "dead_reason": null, "attempt_count": attempts,
            "next_attempt_at": null, "held_until": null, "hold_reason": null, "created_at": at, "finished_at": finished,
        }))
        .unwrap()
    }

    fn changed(seen: &mut Seen, look: Vec<Delivery>) -> Vec<String> {
        seen.changed(look, |each| each).into_iter().map(|each| each.id).collect()
    }

    #[test]
    fn each_change_is_told_once_and_in_order() {
        let mut seen = Seen::default();
        let look = || vec![delivery(2, "pending", 0), delivery(1, "delivered", 1)];
        assert_eq!(changed(&mut seen, look()), ["dlv_1", "dlv_2"]);
        assert_eq!(changed(&mut seen, look()), [""; 0]);
        // Both lists have it.
        let dead = vec![delivery(2, "dead", 1), delivery(1, "delivered", 1), delivery(2, "dead", 1)];
        assert_eq!(changed(&mut seen, dead), ["dlv_2"]);
        assert_eq!(changed(&mut seen, vec![delivery(3, "pending", 0), delivery(2, "pending", 1)]), ["dlv_2", "dlv_3"]);
    }

    #[test]
    fn what_comes_into_view_because_others_went_is_no_news() {
        let mut seen = Seen::default();
        assert_eq!(changed(&mut seen, vec![delivery(1_000, "dead", 1)]), ["dlv_1000"]);
        let view = vec![delivery(990, "dead", 1), delivery(100, "dead", 1)];
        assert_eq!(changed(&mut seen, view), ["dlv_990"], "the first was committed late, the second is old");
        assert_eq!(changed(&mut seen, vec![delivery(100, "pending", 1)]), ["dlv_100"], "but it is followed");
    }
}
