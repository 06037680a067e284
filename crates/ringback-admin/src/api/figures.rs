//! `/v1/figures` and `/v1/endpoints/{id}/figures`: what each step of a time brought.

use std::time::Duration;

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{
    event::is_tenant,
    id::EndpointId,
    operate::figures::{self, StepFigures, Steps, StepsError},
    store::Subject,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, endpoints::check_visible};
use crate::{
    auth::Reader,
    extract::{FromParameters, Id, Parameters, Query},
    openapi::{answers, parameters, values},
    problem::{Fault, Problem},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(of_all)).routes(routes!(of_endpoint))
}

/// Figures in order of time.
#[derive(Serialize, ToSchema)]
pub(crate) struct FigureList {
    #[schema(value_type = Vec<answers::Figures>)]
    items: Vec<StepFigures>,
}

/// `?since &until &step`
struct OfEndpoint(Steps);

/// The same, and `?tenant`.
struct OfTenant {
    tenant: Option<String>,
    steps: Steps,
}

fn steps(parameters: &mut Parameters) -> Steps {
    Steps { span: parameters.span(), step: parameters.duration("step") }
}

impl FromParameters for OfEndpoint {
    fn read(parameters: &mut Parameters) -> Self {
        Self(steps(parameters))
    }
}

impl FromParameters for OfTenant {
    fn read(parameters: &mut Parameters) -> Self {
        Self { tenant: parameters.text("tenant", is_tenant), steps: steps(parameters) }
    }
}

/// Figures over time
///
/// Of one tenant, or of all: attempts, deaths and durations, step by step, oldest first. Steps begin at multiples of
/// their length, so that the first may begin before `since`; each step of the time is there, also where nothing happened.
/// What a node has counted in the last 10 seconds is there at once if it answers itself.
#[utoipa::path(
    get, path = "/v1/figures", operation_id = "figures", tag = "figures",
    params(parameters::OfTenant, parameters::Figures),
    responses(
        (status = 200, description = "Every step of the time.", body = FigureList),
        (status = 422, description = "The time cannot be told in such steps: `errors` says which would be right."),
    ),
    security(("token" = ["read"])),
)]
async fn of_all(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(OfTenant { tenant, steps }): Query<OfTenant>,
) -> Result<Json<FigureList>, Problem> {
    let subject = access.listed(tenant)?.map_or(Subject::All, Subject::Tenant);
    read(&api, &subject, steps).await
}

/// An endpoint's figures over time
///
/// As those of a tenant, of one endpoint.
#[utoipa::path(
    get, path = "/v1/endpoints/{id}/figures", operation_id = "endpoint_figures", tag = "figures",
    params(("id" = values::EndpointId, Path), parameters::Figures),
    responses(
        (status = 200, description = "Every step of the time.", body = FigureList),
        (status = 422, description = "The time cannot be told in such steps: `errors` says which would be right."),
    ),
    security(("token" = ["read"])),
)]
async fn of_endpoint(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(OfEndpoint(steps)): Query<OfEndpoint>,
    Id(id): Id<EndpointId>,
) -> Result<Json<FigureList>, Problem> {
    let tenant = check_visible(&api, &access, id).await?;
    read(&api, &Subject::Endpoint(tenant, id), steps).await
}

async fn read(api: &Api, subject: &Subject, steps: Steps) -> Result<Json<FigureList>, Problem> {
    let items = api.engine.figures(subject, steps).await?;
    Ok(Json(FigureList { items }))
}

impl From<figures::Error> for Problem {
    fn from(error: figures::Error) -> Self {
        let error = match error {
            figures::Error::Store(error) => return error.into(),
            figures::Error::Steps(error) => error,
        };
        let (parameter, code) = match error {
            StepsError::NotMinutes => ("step", "out_of_range"),
            StepsError::TooMany { .. } => ("step", "too_many"),
            StepsError::Backwards(_) => ("until", "out_of_range"),
        };
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, vec![Fault::parameter(parameter, code, error.to_string())])
    }
}

/// A duration as the configuration writes it, `15m`, or a number of seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let millis = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(Duration::from_millis(number.checked_mul(millis)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_with_a_unit_or_seconds() {
        for (text, seconds) in [("15m", 900), ("90", 90), ("2h", 7_200), ("1d", 86_400), ("60000ms", 60)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "-1m", "+5", "1.5h", "1w", "1 m", "99999999999999999999d", "18446744073709551615d", "ü"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
