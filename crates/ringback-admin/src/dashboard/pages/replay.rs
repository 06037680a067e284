//! `POST /deliveries/{id}/replay`: the button. It does what the API's route of the same name does.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringback::{id::DeliveryId, store::ReplayOf};

use crate::{
    api::{
        Api,
        deliveries::{self, Again},
    },
    auth::Permission,
    dashboard::{submission::Submission, visitor::Visitor},
    problem::Problem,
};

pub(in crate::dashboard) async fn send_again(
    State(api): State<Api>,
    Path(id): Path<String>,
    Submission { visitor, fields, .. }: Submission,
) -> Response {
    // Two people may press the button of the same dead letter: the second must not send it again if it was delivered by
    // then.
    let of = if fields.contains_key("dead_letter") { ReplayOf::DeadLetter } else { ReplayOf::Either };
    // Tenants' own people are not asked where their platform sends to.
    let url = fields.get("url").map(|text| text.trim());
    let url = url.filter(|text| !text.is_empty() && visitor.mount.portal.is_none()).map(str::to_owned);
    match release(&api, &visitor, &id, of, &Again { url }).await {
        Ok(id) => Redirect::to(&visitor.mount.to(&format!("/?replayed={id}"))).into_response(),
        Err(problem) => visitor.refused(problem),
    }
}

async fn release(api: &Api, visitor: &Visitor, id: &str, of: ReplayOf, again: &Again) -> Result<DeliveryId, Problem> {
    visitor.must(Permission::Operate, "Replaying needs a token of scope operator or admin.")?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let row = deliveries::find(api, &visitor.access, id).await?;
    let _shown_by_the_page = deliveries::put_back(api, &visitor.access, &row, of, again, &visitor.by).await?;
    Ok(id)
}
