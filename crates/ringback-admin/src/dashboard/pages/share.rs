//! The buttons that make a link to the evidence of one call, and revoke it.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{FromRequestParts as _, Path, State},
    response::Response,
};
use ringback::{
    id::LinkId,
    link::Opens,
    time::{Timestamp, parse_duration},
};

use crate::{
    address::Address,
    api::{Api, deliveries, links},
    auth::Permission,
    dashboard::{frame::Frame, moment::Moment, refusal::rendered, submission::Submission, visitor::Visitor},
    problem::Problem,
};

/// The lives that the form offers, the first for whatever else is sent.
const LIVES: [&str; 3] = ["7d", "1d", "30d"];

const NEEDS_OPERATOR: &str = "Sharing needs a token of scope operator or admin.";

#[derive(Template)]
#[template(path = "share.html")]
struct Page {
    frame: Frame,
    id: LinkId,
    /// `None` once it is revoked.
    link: Option<(String, Moment)>,
}

/// `POST /deliveries/{id}/share`
pub(in crate::dashboard) async fn delivery(
    State(api): State<Api>,
    Path(id): Path<String>,
    submission: Submission,
) -> Response {
    let page = async {
        submission.visitor.must(Permission::Operate, NEEDS_OPERATOR)?;
        let id = id.parse().map_err(|_| Problem::not_found())?;
        let row = deliveries::find(&api, &submission.visitor.access, id).await?;
        make(&api, &submission, Opens::Delivery(id), &row.event.tenant).await
    };
    submission.visitor.shown(page.await)
}

/// `POST /events/{id}/share`: what is shared are all events of the same key.
pub(in crate::dashboard) async fn event(
    State(api): State<Api>,
    Path(id): Path<String>,
    submission: Submission,
) -> Response {
    let page = async {
        submission.visitor.must(Permission::Operate, NEEDS_OPERATOR)?;
        let id = id.parse().map_err(|_| Problem::not_found())?;
        let row = submission.visitor.access.found(api.engine.event(id).await?, |row| &row.event.tenant)?;
        make(&api, &submission, Opens::KeyOf(id), &row.event.tenant).await
    };
    submission.visitor.shown(page.await)
}

async fn make(api: &Api, submission: &Submission, opens: Opens, tenant: &str) -> Result<Page, Problem> {
    let Submission { parts, visitor, fields } = submission;
    let asked = fields.get("expires_in").map(String::as_str);
    let life = LIVES.into_iter().find(|life| asked == Some(life)).unwrap_or(LIVES[0]);
    let life = parse_duration(life).unwrap_or(Duration::from_secs(24 * 60 * 60));
    let (link, text) = api.engine.create_link(opens, tenant, life, &visitor.by).await?;
    let address = Address::from_request_parts(&mut parts.clone(), api).await.unwrap_or_else(|never| match never {});
    let made = links::made(&address, &link, &text);
    let until = Moment::new(link.expires_at, Timestamp::now());
    Ok(Page { frame: visitor.frame(api), id: link.id, link: Some((made.url, until)) })
}

/// `POST /share/{link}/revoke`
pub(in crate::dashboard) async fn revoke(
    State(api): State<Api>,
    Path(id): Path<String>,
    Submission { visitor, .. }: Submission,
) -> Response {
    match ended(&api, &visitor, &id).await {
        Ok(id) => rendered(&Page { frame: visitor.frame(&api), id, link: None }),
        Err(problem) => visitor.refused(problem),
    }
}

async fn ended(api: &Api, visitor: &Visitor, id: &str) -> Result<LinkId, Problem> {
    visitor.must(Permission::Operate, NEEDS_OPERATOR)?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let is_share = |opens| !matches!(opens, Opens::Portal(_));
    links::revoke(api, &visitor.access, id, &visitor.by, is_share).await?;
    Ok(id)
}
