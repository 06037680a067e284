//! `/gaps`: a list of calls that somebody expected webhooks for, and what became of each.

use askama::Template;
use axum::{extract::State, response::Response};
use ringback::{
    event::is_tenant,
    invalid::Invalid,
    operate::gaps::{Expected, Fate},
};

use super::{
    listing::{Cell, Row, Table},
    phrases::{self, Tone},
};
use crate::{
    api::{Api, endpoints::check_visible, gaps},
    dashboard::{
        frame::Frame,
        refusal::rendered,
        submission::Submission,
        visible::{visible, visible_lines},
        visitor::Visitor,
    },
    problem::Problem,
};

const HEAD: &[&str] = &["Key", "What became of it", "Delivery"];

#[derive(Template)]
#[template(path = "gaps.html")]
struct Page {
    frame: Frame,
    keys: String,
    tenant: String,
    endpoint: String,
    /// What was asked for has been looked up.
    is_answer: bool,
    counts: Vec<(&'static str, Tone, String)>,
    table: Table,
    /// Where the events that this endpoint has no delivery of are sent to it.
    missing: Option<String>,
}

impl Page {
    fn empty(frame: Frame) -> Self {
        let (keys, tenant, endpoint) = (String::new(), String::new(), String::new());
        let table = Table::new(HEAD, Vec::new());
        Self { frame, keys, tenant, endpoint, is_answer: false, counts: Vec::new(), table, missing: None }
    }
}

/// `GET /gaps`
pub(in crate::dashboard) async fn show(State(api): State<Api>, visitor: Visitor) -> Response {
    rendered(&Page::empty(visitor.frame(&api)))
}

/// `POST /gaps`: changes nothing; the list may be longer than an address.
pub(in crate::dashboard) async fn find(State(api): State<Api>, submission: Submission) -> Response {
    let page = answer(&api, &submission).await;
    submission.visitor.shown(page)
}

async fn answer(api: &Api, submission: &Submission) -> Result<Page, Problem> {
    let Submission { visitor, fields, .. } = submission;
    let given = |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let endpoint = given("endpoint_id").map(|id| {
        id.parse().map_err(|_| Problem::from(Invalid::one("/endpoint_id", "malformed", "is no id of an endpoint")))
    });
    let endpoint = endpoint.transpose()?;
    if let Some(id) = endpoint {
        check_visible(api, &visitor.access, id).await?;
    }
    let tenant = given("tenant").map(str::to_owned);
    if tenant.as_deref().is_some_and(|tenant| !is_tenant(tenant)) {
        return Err(Invalid::one("/tenant", "malformed", "is no tenant").into());
    }
    let tenant = visitor.access.listed(tenant)?;
    let expected = Expected { tenant, endpoint, ..Expected::default() };
    let keys = gaps::keys_of_csv(given("keys").unwrap_or_default())?;
    let (mut rows, mut counts) = (Vec::with_capacity(keys.len()), vec![0; Fate::ALL.len()]);
    let outcomes = api.engine.outcomes_of_keys(&keys, &expected).await?;
    for (key, outcome) in keys.into_iter().zip(outcomes) {
        if let Some(place) = Fate::ALL.iter().position(|fate| *fate == outcome.fate) {
            counts[place] += 1;
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &key).finish();
        rows.push(Row::of(vec![
            Cell::key(visible(&key), visitor.mount.to(&format!("/find?{query}"))),
            Cell::tag(outcome.fate.name(), tone(outcome.fate)).with(outcome.fate.sentence()),
            match outcome.delivery {
                Some(id) => Cell::key(id.to_string(), visitor.mount.to(&format!("/deliveries/{id}"))),
                None => Cell::text("none"),
            },
        ]));
    }
    let counted = Fate::ALL.iter().zip(counts).filter(|(_, count)| *count > 0);
    let missing = endpoint.map(|id| visitor.mount.to(&format!("/replays/new?status=missing&endpoint_id={id}")));
    Ok(Page {
        keys: visible_lines(fields.get("keys").map_or("", String::as_str)),
        tenant: visible(given("tenant").unwrap_or_default()),
        endpoint: visible(given("endpoint_id").unwrap_or_default()),
        is_answer: true,
        counts: counted.map(|(fate, count)| (fate.name(), tone(*fate), phrases::number(count))).collect(),
        table: Table::new(HEAD, rows),
        missing,
        ..Page::empty(visitor.frame(api))
    })
}

const fn tone(fate: Fate) -> Tone {
    match fate {
        Fate::Delivered => Tone::Good,
        Fate::Pending | Fate::DeliveredLate => Tone::Warn,
        Fate::Dead | Fate::NeverEmitted => Tone::Bad,
        Fate::Unmatched | Fate::Cancelled => Tone::Plain,
    }
}
