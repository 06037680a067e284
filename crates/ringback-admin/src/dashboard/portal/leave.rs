//! `POST /portal/logout`: ends a session of the portal on every node, for every copy of its cookie.
//!
//! A link becomes one session and no other, so the session ends by revoking the link: it is asked with every request.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, extract::State, response::Response};
use http::header;

use super::Look;
use crate::{
    api::Api,
    dashboard::{cookie, frame::Frame, refusal::rendered, submission::Submission, visitor::WayIn},
    problem::Problem,
};

/// The page that says that the session has ended: there is no login to go to.
#[derive(Template)]
#[template(path = "left.html")]
struct Page {
    frame: Frame,
}

/// `POST /portal/logout`: everybody may end their own session, also who may only look.
pub(in crate::dashboard) async fn log_out(
    State(api): State<Api>,
    Extension(look): Extension<Arc<Look>>,
    Submission { parts, visitor, .. }: Submission,
) -> Response {
    let ended = async {
        let WayIn::Link(_, id) = &visitor.way_in else { return Err(Problem::not_found()) };
        // Whoever revoked it meanwhile has ended the session, too.
        if let Some(link) = api.engine.link(*id).await? {
            api.engine.revoke_link(&link, &visitor.by).await?;
        }
        Ok(())
    };
    if let Err(problem) = ended.await {
        return visitor.refused(problem);
    }
    let mut response = rendered(&Page { frame: Frame::bare(visitor.mount) });
    for cookie in cookie::forgotten_of_portal(&parts, look.is_framed) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
