//! `/v1/filters/test`: what a filter says about an event, before an endpoint has it.

use axum::{Json as Answer, extract::State};
use bytes::Bytes;
use http::StatusCode;
use ringback::{
    document::Fields,
    endpoint::Filter,
    event::{is_key, is_tenant, is_type},
    id::EventId,
    invalid::Invalid,
    operate::filters::{Sample, Tried},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, events::payload};
use crate::{
    auth::{Access, Reader},
    extract::{FromDocument, Json},
    openapi::requests,
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(test))
}

/// What a filter is asked, and about what.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) filter: Filter,
    pub(crate) event_id: Option<EventId>,
    pub(crate) event_type: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) payload: Option<Value>,
}

impl FromDocument for Asked {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        fields.must_have("filter");
        let filter = fields.text("filter").map(|text| Filter::parse(&text));
        let asked = (
            fields.parsed("event_id"),
            fields.text_of("type", is_type),
            fields.text_of("key", is_key),
            fields.text_of("tenant", is_tenant),
            fields.any("payload"),
        );
        let (event_id, event_type, key, tenant, payload) = asked;
        match (&event_id, &payload) {
            (None, None) => {
                fields.wrong("payload", "required", "is missing: give a payload, or the event_id of an event")
            }
            (Some(_), Some(_)) => fields.wrong("event_id", "conflict", "stands beside a payload: give one of them"),
            _ => {}
        }
        let filter = match filter {
            Some(Ok(filter)) => Some(filter),
            Some(Err(wrong)) => {
                fields.wrong("filter", "malformed", wrong.to_string());
                None
            }
            None => None,
        };
        let found = fields.finish();
        match filter {
            Some(filter) => found.or(Self { filter, event_id, event_type, key, tenant, payload }),
            None => Err(found),
        }
    }
}

/// What a filter says about an event.
#[derive(Serialize, ToSchema)]
pub(crate) struct FilterSaid {
    /// Whether the event is wanted. `null` if the filter says neither yes nor no: then the event goes through.
    #[schema(required)]
    result: Option<bool>,
    /// Why it says neither.
    #[schema(required)]
    error: Option<String>,
}

/// Try a filter
///
/// On an event that was emitted, or on a payload. Nothing is kept and nothing is sent. A filter that cannot be read is refused
/// as an endpoint's would be, with the line and the column of what is wrong.
#[utoipa::path(
    post, path = "/v1/filters/test", operation_id = "test_filter", tag = "endpoints",
    request_body = requests::FilterTest,
    responses(
        (status = 200, description = "What it says.", body = FilterSaid),
        (status = 410, description = "The payload of the event is gone."),
    ),
    security(("token" = ["read"])),
)]
async fn test(
    State(api): State<Api>,
    Reader(access): Reader,
    Json(asked): Json<Asked>,
) -> Result<Answer<FilterSaid>, Problem> {
    Ok(Answer(tried(&api, &access, asked).await?))
}

/// Tries it.
///
/// # Errors
/// 404 if the caller may see no such event or tenant; 410 if the payload is gone.
pub(crate) async fn tried(api: &Api, access: &Access, asked: Asked) -> Result<FilterSaid, Problem> {
    let sample = match asked.event_id {
        Some(id) => {
            let row = access.found(api.engine.event(id).await?, |row| &row.event.tenant)?;
            Sample::Event(Box::new(row.event))
        }
        None => Sample::Made {
            event_type: asked.event_type.unwrap_or_else(|| "webhook.test".to_owned()),
            key: asked.key,
            tenant: access.named(asked.tenant)?,
            payload: Bytes::from(asked.payload.unwrap_or_default().to_string()),
        },
    };
    match api.engine.try_filter(asked.filter, sample).await? {
        Tried::Said(Ok(said)) => Ok(FilterSaid { result: Some(said), error: None }),
        Tried::Said(Err(why)) => Ok(FilterSaid { result: None, error: Some(why.to_string()) }),
        Tried::Gone(read) => match payload::kept(read) {
            Err(problem) => Err(problem),
            Ok(_) => Err(Problem::new(StatusCode::GONE, "payload_expired", "The payload is gone.")),
        },
        _ => Err(Problem::not_found()),
    }
}

impl FilterSaid {
    /// For people.
    pub(crate) fn sentence(&self) -> String {
        match (self.result, &self.error) {
            (Some(true), _) => "It lets this event through.".to_owned(),
            (Some(false), _) => "It leaves this event out.".to_owned(),
            (None, why) => format!(
                "It says neither yes nor no, so the event goes through: {}.",
                why.as_deref().unwrap_or("no reason is told")
            ),
        }
    }
}
