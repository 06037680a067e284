//! `/endpoints/{id}`: one endpoint, how its receiver does, and what can be done about it.

use std::collections::HashMap;

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringback::{
    delivery::Status,
    endpoint::{Draft, Endpoint, Preset},
    id::EndpointId,
    invalid::Invalid,
    operate::rotate::Rotation,
    store::{DeliveryFilter, Subject, rules::health::Health},
    time::Timestamp,
};
use serde_json::{Map, Value};

use super::{deliveries, endpoints, listing::Table, parameter, phrases, strip::Strip};
use crate::{
    api::{Api, endpoints::check_visible, filters},
    auth::Permission,
    dashboard::{
        frame::Frame,
        moment::Moment,
        refusal::rendered,
        submission::Submission,
        visible::{visible, visible_lines},
        visitor::Visitor,
    },
    extract::{Document, FromDocument as _},
    problem::Problem,
    view,
};

/// Most deliveries that are shown.
const DELIVERIES_SHOWN: u32 = 10;

const NEEDS_ADMIN: &str = "That needs a token of scope admin.";
const NEEDS_OPERATOR: &str = "That needs a token of scope operator or admin.";

#[derive(Template)]
#[template(path = "endpoint.html")]
struct Page {
    frame: Frame,
    id: EndpointId,
    name: String,
    tenant: String,
    key: Option<String>,
    url: String,
    event_types: String,
    preset: Preset,
    state: Table,
    is_paused: bool,
    strip: Strip,
    health: Vec<(&'static str, String)>,
    p50: String,
    p99: String,
    verified: Option<Moment>,
    made: Moment,
    changed: Moment,
    /// As the API shows it: without credentials.
    settings: String,
    /// Its filter, or the one that is being tried; a sample; and what the filter says about it.
    filter: String,
    sample: String,
    filter_said: Option<String>,
    pending: Table,
    dead: Table,
    /// Told once, in the answer to the request that made it.
    secret: Option<String>,
    done: Option<&'static str>,
    may_administer: bool,
}

/// What the page says of what was just done, by the word in its address.
const DONE: [(&str, &str); 5] = [
    ("made", "The endpoint is made."),
    ("paused", "It is paused: its deliveries wait until it is resumed."),
    ("resumed", "It is resumed: what waited is being sent."),
    ("changed", "It is changed."),
    ("enabled", "It is enabled: what waited is being sent."),
];

/// `GET /endpoints/{id}?done=`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let done = parameter(query.as_deref(), "done");
    let done = DONE.iter().find(|(word, _)| done.as_deref() == Some(word)).map(|(_, sentence)| *sentence);
    let page = async { read(&api, &visitor, known(&api, &visitor, &id).await?, None, done).await };
    visitor.shown(page.await)
}

/// The id, if it is that of an endpoint that the visitor may see.
async fn known(api: &Api, visitor: &Visitor, id: &str) -> Result<EndpointId, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    check_visible(api, &visitor.access, id).await?;
    Ok(id)
}

async fn read(
    api: &Api,
    visitor: &Visitor,
    id: EndpointId,
    secret: Option<String>,
    done: Option<&'static str>,
) -> Result<Page, Problem> {
    let (engine, now) = (&api.engine, Timestamp::now());
    let directory = engine.directory().await?;
    let endpoint = visitor.access.found(directory.endpoint(id), |endpoint| &endpoint.tenant)?;
    let (day, health) = (engine.last_day(endpoint).await?, engine.health_of(endpoint).await?);
    let strip = Strip::of(engine, &Subject::Endpoint(endpoint.tenant.clone(), id)).await?;
    let filter = |status| DeliveryFilter { endpoint: Some(id), status: Some(status), ..DeliveryFilter::default() };
    let pending = engine.deliveries(&filter(Status::Pending), None, DELIVERIES_SHOWN).await?;
    let dead = engine.deliveries(&filter(Status::Dead), None, DELIVERIES_SHOWN).await?;
    let milliseconds = |ms: Option<f64>| ms.map_or_else(|| "none".to_owned(), phrases::milliseconds);
    let (may_administer, spec) = (visitor.access.may(Permission::Administer), &endpoint.spec);
    Ok(Page {
        frame: visitor.frame(api),
        id,
        name: visible(spec.name.as_deref().or(endpoint.key.as_deref()).unwrap_or("Endpoint")),
        tenant: visible(&endpoint.tenant),
        key: endpoint.key.as_deref().map(visible),
        url: visible(&spec.url),
        event_types: visible(&spec.event_types.join(", ")),
        preset: spec.preset,
        state: state(endpoint, &health, now),
        is_paused: endpoint.paused,
        strip,
        health: endpoints::facts(&health, now),
        p50: milliseconds(day.p50_ms),
        p99: milliseconds(day.p99_ms),
        verified: spec.verified_at.map(|at| Moment::new(at, now)),
        made: Moment::new(endpoint.created_at, now),
        changed: Moment::new(endpoint.updated_at, now),
        settings: settings(endpoint),
        filter: spec.filter.as_ref().map(|filter| visible_lines(filter.as_str())).unwrap_or_default(),
        sample: String::new(),
        filter_said: None,
        pending: deliveries::table(api, &visitor.mount, &pending.items).await?,
        dead: deliveries::table(api, &visitor.mount, &dead.items).await?,
        secret,
        done,
        may_administer,
    })
}

fn state(endpoint: &Endpoint, health: &Health, now: Timestamp) -> Table {
    Table::new(&["State"], vec![super::listing::Row::of(vec![endpoints::state(endpoint, health, now)])])
}

fn settings(endpoint: &Endpoint) -> String {
    let shown = serde_json::to_string_pretty(&view::Endpoint::from(endpoint));
    visible_lines(&shown.unwrap_or_default())
}

/// `POST /endpoints/{id}/{act}`: everything that the page has a button for.
pub(in crate::dashboard) async fn act(
    State(api): State<Api>,
    Path((id, act)): Path<(String, String)>,
    Submission { visitor, fields, .. }: Submission,
) -> Response {
    match carry_out(&api, &visitor, &id, &act, &fields).await {
        Ok(response) => response,
        Err(problem) => visitor.refused(problem),
    }
}

async fn carry_out(
    api: &Api,
    visitor: &Visitor,
    id: &str,
    act: &str,
    fields: &HashMap<String, String>,
) -> Result<Response, Problem> {
    let id = known(api, visitor, id).await?;
    let (engine, by) = (&api.engine, &visitor.by);
    let to = |page: &str| Ok(Redirect::to(&visitor.mount.to(page)).into_response());
    let back = |done: &str| to(&format!("/endpoints/{id}?done={done}"));
    let needed = if matches!(act, "pause" | "resume" | "test" | "verify") {
        Permission::Operate
    } else {
        Permission::Administer
    };
    visitor.must(needed, if needed == Permission::Operate { NEEDS_OPERATOR } else { NEEDS_ADMIN })?;
    match act {
        "pause" => {
            engine.set_paused(id, true, by).await?;
            back("paused")
        }
        "resume" => {
            engine.set_paused(id, false, by).await?;
            back("resumed")
        }
        "test" => {
            let (_, delivery) = engine.send_test(id, None, None, None, by).await?;
            to(&format!("/deliveries/{delivery}"))
        }
        "verify" => {
            let (_, delivery) = engine.verify_endpoint(id, None, by).await?;
            to(&format!("/deliveries/{delivery}"))
        }
        "enable" => {
            engine.patch_endpoint(id, serde_json::json!({"enabled": true}), None, by).await?;
            back("enabled")
        }
        "rotate" => {
            let rotated = engine.rotate_secret(id, &Rotation::default(), None, by).await?;
            let done =
                Some("The secret is rotated. Where the scheme allows it, both secrets sign until the overlap ends.");
            Ok(rendered(&read(api, visitor, id, rotated.secret, done).await?))
        }
        "edit" => {
            let patch = fields.get("patch").cloned().unwrap_or_default();
            let patch = Document::read(&Bytes::from(patch))?.into_value()?;
            engine.patch_endpoint(id, patch, None, by).await?;
            back("changed")
        }
        "filter" => {
            let filter = fields.get("filter").map(|text| text.trim()).unwrap_or_default();
            let is_meant = fields.get("do").is_some_and(|act| act == "save");
            if !is_meant {
                return Ok(rendered(&tried(api, visitor, id, fields, filter).await?));
            }
            let filter = if filter.is_empty() { Value::Null } else { filter.into() };
            engine.patch_endpoint(id, serde_json::json!({"filter": filter}), None, by).await?;
            back("changed")
        }
        "delete" => {
            engine.delete_endpoint(id, None, by).await?;
            to("/endpoints")
        }
        _ => Err(Problem::not_found()),
    }
}

/// The page with what a filter says about a sample; nothing is changed.
async fn tried(
    api: &Api,
    visitor: &Visitor,
    id: EndpointId,
    fields: &HashMap<String, String>,
    filter: &str,
) -> Result<Page, Problem> {
    let sample = fields.get("sample").cloned().unwrap_or_default();
    let mut page = read(api, visitor, id, None, None).await?;
    page.filter = visible_lines(filter);
    page.sample = visible_lines(&sample);
    let said = match asked(filter, &sample, fields.get("type").map(|text| text.trim())) {
        Ok(asked) => filters::tried(api, &visitor.access, asked).await.map(|said| said.sentence()),
        Err(invalid) => Ok(format!("It cannot be tried: {invalid}.")),
    };
    page.filter_said = Some(visible(&said?));
    Ok(page)
}

fn asked(filter: &str, sample: &str, event_type: Option<&str>) -> Result<filters::Asked, Invalid> {
    let mut document = serde_json::json!({"filter": filter});
    match serde_json::from_str::<Value>(sample.trim()) {
        _ if sample.trim().starts_with("evt_") => document["event_id"] = sample.trim().into(),
        Ok(payload) => {
            document["payload"] = payload;
            if let Some(event_type) = event_type.filter(|text| !text.is_empty()) {
                document["type"] = event_type.into();
            }
        }
        Err(_) => return Err(Invalid::one("/sample", "malformed", "is neither JSON nor the id of an event")),
    }
    filters::Asked::read(document)
}

#[derive(Template)]
#[template(path = "new_endpoint.html")]
struct New {
    frame: Frame,
    tenant: String,
    presets: Vec<&'static str>,
}

/// `GET /endpoints/new`
pub(in crate::dashboard) async fn new(State(api): State<Api>, visitor: Visitor) -> Response {
    rendered(&New {
        tenant: visitor.access.tenant.clone().unwrap_or_default(),
        presets: Preset::ALL.iter().map(|preset| preset.name()).collect(),
        frame: visitor.frame(&api),
    })
}

/// `POST /endpoints`
pub(in crate::dashboard) async fn make(
    State(api): State<Api>,
    Submission { visitor, fields, .. }: Submission,
) -> Response {
    let made = async {
        visitor.must(Permission::Administer, NEEDS_ADMIN)?;
        let mut draft = Draft::read(document(&fields));
        draft.tenant = Some(visitor.access.named(draft.tenant.take())?);
        let made = api.engine.create_endpoint(draft, &visitor.by).await?;
        read(&api, &visitor, made.endpoint.id, made.secret, Some(DONE[0].1)).await
    };
    match made.await {
        Ok(page) => rendered(&page),
        Err(problem) => visitor.refused(problem),
    }
}

/// The form as the document that the API takes; what was left empty is left out.
fn document(fields: &HashMap<String, String>) -> Value {
    let given = |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let mut document: Map<_, _> = ["url", "tenant", "key", "name", "preset", "secret"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), Value::from(given(name)?))))
        .collect();
    if let Some(types) = given("event_types") {
        let types = types.split([',', ' ']).map(str::trim).filter(|selector| !selector.is_empty());
        document.insert("event_types".to_owned(), types.map(Value::from).collect());
    }
    Value::Object(document)
}
