//! Dead letters in groups, as rows of a table.

use ringback::{
    delivery::DeadReason,
    operate::dead_letters::Groups,
    store::{self, DeadGroup},
    time::Timestamp,
};

use super::{
    listing::{Act, Cell, Row, Table},
    phrases::{self, Tone},
};
use crate::{
    api::Api,
    dashboard::{frame::Frame, moment::Moment, visible::visible},
};

/// Of so many groups of one the key is looked up, by which people know it.
const KEYS_MAX: usize = 25;

const HEAD: &[&str] = &["What", "How many", "Destination", "Why", "First", "Last"];

/// At most `most` groups, as a table.
pub(super) async fn table(api: &Api, frame: &Frame, groups: &Groups, most: usize) -> store::Result<Table> {
    let (mut rows, mut keys, now) = (Vec::new(), 0, Timestamp::now());
    for (group, host) in groups.items.iter().take(most) {
        let mut key = None;
        if group.count == 1 && keys < KEYS_MAX {
            keys += 1;
            key = api.engine.delivery(group.example).await?.and_then(|row| row.event.key);
        }
        rows.push(row(frame, group, host.as_deref(), key.as_deref(), now));
    }
    Ok(Table::new(HEAD, rows))
}

fn row(frame: &Frame, group: &DeadGroup, host: Option<&str>, key: Option<&str>, now: Timestamp) -> Row {
    let is_one = group.count == 1;
    let example = format!("{}/deliveries/{}", frame.mount, group.example);
    let event_type = visible(&group.event_type);
    let what = match key {
        Some(key) => Cell::key(visible(key), example).with(event_type),
        None if is_one => Cell::key(event_type, example),
        None => Cell::key(event_type, frame.mount.to(&format!("/dead-letters?{}", conditions(group, false)))),
    };
    let last = visible(&phrases::answer(group.last_status, group.last_error.as_deref()));
    Row {
        id: is_one.then(|| group.example.to_string()),
        act: frame.may_operate().then(|| if is_one { send_again(frame, group) } else { preview(frame, group) }),
        cells: vec![
            what,
            Cell::text(phrases::number(i64::try_from(group.count).unwrap_or(i64::MAX))),
            Cell::code(visible(host.unwrap_or("unknown"))).with(visible(&group.tenant)),
            Cell::tag(last, Tone::Bad).with(format!("{}: {}", group.reason, group.reason.sentence())),
            Cell::at(Some(Moment::new(group.first_died_at, now))),
            Cell::at(Some(Moment::new(group.last_died_at, now))),
        ],
    }
}

fn send_again(frame: &Frame, group: &DeadGroup) -> Act {
    Act::Post {
        action: format!("{}/deliveries/{}/replay", frame.mount, group.example),
        form: frame.form.clone(),
        hidden: vec![("dead_letter", group.example.to_string())],
        label: "Replay",
        about: group.example.to_string(),
    }
}

/// Where it is said how many would be sent before any is.
fn preview(frame: &Frame, group: &DeadGroup) -> Act {
    let conditions = conditions(group, true);
    Act::Link { href: frame.mount.to(&format!("/replays/new?status=dead&{conditions}")), label: "Replay…" }
}

/// The group as conditions of a list, or of a replay, which can also ask for the status of the last answer.
fn conditions(group: &DeadGroup, of_replay: bool) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("tenant", &group.tenant);
    if let Some(endpoint) = group.endpoint {
        query.append_pair("endpoint_id", &endpoint.to_string());
    }
    query.append_pair("type", &group.event_type).append_pair("reason", DeadReason::name(group.reason));
    if let Some(status) = group.last_status.filter(|_| of_replay) {
        query.append_pair("last_status_code", &status.to_string());
    }
    query.finish()
}
