//! `/replays/new`: what a replay would send, before it does; and beginning it.

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringback::{
    delivery::DeadReason,
    id::ReplayId,
    operate::replays::NewReplay,
    store::{GroupFilter, Replayed},
};
use serde_json::{Map, Value};

use super::{
    groups,
    listing::{Narrowed, Narrowing, Table},
    phrases,
    replays::conditions,
};
use crate::{
    api::{Api, replays::request::Request},
    auth::Permission,
    dashboard::{frame::Frame, submission::Submission, visible::visible, visitor::Visitor},
    extract::FromDocument as _,
    problem::Problem,
};

const PAGE: &str = "/replays/new";

/// The fields of a replay's filter.
const FILTER: [&str; 10] =
    ["status", "tenant", "endpoint_id", "type", "key", "host", "reason", "last_status_code", "since", "until"];

/// Most groups of the preview that are shown.
const GROUPS_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "new_replay.html")]
struct Page {
    frame: Frame,
    narrowing: Narrowing,
    preview: Option<Preview>,
}

/// What would be sent.
struct Preview {
    conditions: String,
    matched: i64,
    count: String,
    bytes: String,
    /// The filter, for the form that begins the replay.
    hidden: Vec<(&'static str, String)>,
    groups: Table,
    is_again: bool,
}

/// `GET /replays/new`: with a status it also says what would be sent.
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Page, Problem> {
    let narrowing = Narrowing::new(&visitor.mount, PAGE)
        .word::<Replayed>(narrowed, "Status", "status")
        .text(narrowed, "Tenant", "tenant")
        .text(narrowed, "Endpoint", "endpoint_id")
        .text(narrowed, "Type", "type")
        .text(narrowed, "Key", "key")
        .text(narrowed, "Host", "host")
        .word::<DeadReason>(narrowed, "Reason", "reason")
        .text(narrowed, "Last status code", "last_status_code")
        .span(narrowed);
    let frame = visitor.frame(api);
    if narrowed.value("status").is_empty() {
        return Ok(Page { frame, narrowing, preview: None });
    }
    let given: Vec<_> = FILTER.map(|name| (name, narrowed.in_utc(name))).into_iter().collect();
    let hidden: Vec<_> = given.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let replay =
        asked(api, visitor, hidden.iter().map(|(name, value)| (*name, value.as_str())), None, None, true).await?;
    let filter = replay.filter.clone();
    let row = api.engine.create_replay(replay, None, &visitor.by).await?;
    let groups = if filter.status == Replayed::Dead && filter.key.is_none() && filter.host.is_none() {
        // Groups go by the time of death, the filter by the time of creation: so the time is left out.
        let of = GroupFilter {
            tenant: filter.tenant.clone(),
            endpoint: filter.endpoint,
            event_type: filter.event_type.clone(),
            reason: filter.reason,
            ..GroupFilter::default()
        };
        let mut groups = api.engine.dead_letter_groups(&of).await?;
        groups.items.retain(|(group, _)| filter.last_status.is_none_or(|status| group.last_status == Some(status)));
        groups
    } else {
        Default::default()
    };
    let preview = Preview {
        conditions: visible(&conditions(&filter)),
        matched: row.matched,
        count: phrases::number(row.matched),
        bytes: phrases::bytes(row.bytes),
        hidden,
        groups: groups::table(api, &Frame::bare(visitor.mount.clone()), &groups, GROUPS_SHOWN).await?,
        is_again: filter.status != Replayed::Dead,
    };
    Ok(Page { frame, narrowing, preview: Some(preview) })
}

/// `POST /replays`: begins what the preview showed.
pub(in crate::dashboard) async fn begin(
    State(api): State<Api>,
    Submission { visitor, fields, .. }: Submission,
) -> Response {
    match create(&api, &visitor, &fields).await {
        Ok(id) => Redirect::to(&visitor.mount.to(&format!("/replays/{id}"))).into_response(),
        Err(problem) => visitor.refused(problem),
    }
}

async fn create(api: &Api, visitor: &Visitor, fields: &HashMap<String, String>) -> Result<ReplayId, Problem> {
    visitor.must(Permission::Operate, "Replaying needs a token of scope operator or admin.")?;
    let field = |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let filter = FILTER.iter().filter_map(|name| Some((*name, field(name)?)));
    let replay = asked(api, visitor, filter, field("rate_per_second"), field("note"), false).await?;
    let row = api.engine.create_replay(replay, None, &visitor.by).await?;
    row.id.ok_or_else(Problem::internal)
}

/// The request that the API would take, from the fields of a form: one set of rules and refusals for both.
async fn asked<'a>(
    api: &Api,
    visitor: &Visitor,
    filter: impl Iterator<Item = (&'a str, &'a str)>,
    rate: Option<&str>,
    note: Option<&str>,
    dry_run: bool,
) -> Result<NewReplay, Problem> {
    let number =
        |text: &str| serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| text.into(), Value::Number);
    let value = |name: &str, text: &str| if name == "last_status_code" { number(text) } else { text.into() };
    let filter: Map<_, _> = filter.map(|(name, text)| (name.to_owned(), value(name, text))).collect();
    let mut document = Map::from_iter([("filter".to_owned(), filter.into()), ("dry_run".to_owned(), dry_run.into())]);
    document.extend(rate.map(|rate| ("rate_per_second".to_owned(), number(rate))));
    document.extend(note.map(|note| ("note".to_owned(), note.into())));
    Request::read(Value::Object(document))?.for_caller(api, &visitor.access).await
}
