//! `/login` and `/logout`: a token of the API becomes a session.

use std::time::{Duration, Instant};

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use ringback::time::Timestamp;

use super::parameter;
use crate::{
    api::Api,
    dashboard::{
        cookie,
        frame::{Frame, is_place},
        mount::Mount,
        refusal::{Refusal, rendered},
        session,
        submission::{Application, Submission},
        visitor::{Visitor, WayIn},
    },
};

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    frame: Frame,
    to: &'a str,
    problem: Option<&'a str>,
}

/// What would end the value of a parameter, or be read as something else there.
const OF_A_VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'>');

/// The link to the login for somebody who wanted to see `page`.
pub(in crate::dashboard) fn link(page: &str, ended: bool) -> String {
    let to = if page == "/" { String::new() } else { format!("to={}", utf8_percent_encode(page, OF_A_VALUE)) };
    let ended = if ended { "ended=1" } else { "" };
    let query = [to.as_str(), ended].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    if query.is_empty() { "/login".to_owned() } else { format!("/login?{query}") }
}

/// `GET /login?to=&ended=`: where to go afterwards, and whether there was a session.
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    mount: Mount,
    RawQuery(query): RawQuery,
    visitor: Result<Visitor, Response>,
) -> Response {
    let to = page(parameter(query.as_deref(), "to").as_deref());
    if visitor.is_ok() {
        return Redirect::to(&mount.to(&to)).into_response();
    }
    let problem = parameter(query.as_deref(), "ended").map(|_| "Your session has ended. Log in again to go on.");
    rendered(&Page { frame: Frame::outside(mount, api.keys()), to: &to, problem })
}

/// `POST /login`
pub(in crate::dashboard) async fn log_in(
    State(api): State<Api>,
    mount: Mount,
    Application { parts, fields }: Application,
) -> Response {
    let field = |name: &str| fields.get(name).map(|text| text.trim());
    let to = page(field("to"));
    let token = field("token").unwrap_or_default();
    // The token is checked before failures are counted: a right one logs in, whatever else came from its address.
    let why = match session::admit(&api, token).await {
        Ok(_) => {
            let session = session::begin(token, api.keys(), Timestamp::now());
            let mut response = Redirect::to(&mount.to(&to)).into_response();
            response.headers_mut().extend(cookie::kept(&parts, &session).map(|cookie| (header::SET_COOKIE, cookie)));
            return response;
        }
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            if let Err(wait) = api.failed_logins.count(api.proxies.sender(&parts), Instant::now()) {
                return too_many(wait, Frame::outside(mount, api.keys()), &to);
            }
            "That is not a token of this server, or it has expired or been revoked."
        }
        Err(problem) if problem.status() == StatusCode::FORBIDDEN => {
            "That token can only hand in events. The dashboard needs one of scope read, operator or admin."
        }
        Err(problem) => return Refusal::from(problem).at(mount),
    };
    let page = Page { frame: Frame::outside(mount, api.keys()), to: &to, problem: Some(why) };
    (StatusCode::FORBIDDEN, rendered(&page)).into_response()
}

/// The answer to a failed login after too many others.
fn too_many(wait: Duration, frame: Frame, to: &str) -> Response {
    let seconds = wait.as_secs() + 1;
    let problem = format!("Too many logins have failed lately. Try again in {seconds} s.");
    let page = rendered(&Page { frame, to, problem: Some(&problem) });
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], page).into_response()
}

/// `POST /logout`: ends the session for every copy of its cookie, then makes the browser forget the cookie.
pub(in crate::dashboard) async fn log_out(
    State(api): State<Api>,
    Submission { parts, visitor, .. }: Submission,
) -> Response {
    if let WayIn::Session(_, session) = &visitor.way_in
        && let Err(problem) = session.end(&api).await
    {
        return visitor.refused(problem);
    }
    let mut response = Redirect::to(&visitor.mount.to("/login")).into_response();
    for cookie in cookie::forgotten(&parts) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Where to go after the login: only to a page of the dashboard; otherwise to the first one.
fn page(asked: Option<&str>) -> String {
    asked.and_then(own).unwrap_or_else(|| "/".to_owned())
}

/// A path of this dashboard as browsers will read it, if its first part is that of a page.
fn own(asked: &str) -> Option<String> {
    let here = url::Url::parse("http://dashboard.invalid").ok()?;
    let there = here.join(asked).ok().filter(|there| asked.starts_with('/') && there.origin() == here.origin())?;
    let is_page = is_place(there.path_segments()?.next()?);
    is_page.then(|| there[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_leads_to_our_own_pages_alone() {
        let delivery = format!("/deliveries/{}", ringback::id::EventId::new(Timestamp::now()).delivery(1));
        assert_eq!(page(Some(&delivery)), delivery);
        assert_eq!(page(Some("/dead-letters?tenant=a%26b&reason=gone")), "/dead-letters?tenant=a%26b&reason=gone");
        let foreign = [
            "//evil.example",
            "https://evil.example",
            "/deliveries/../x",
            "/\\evil.example",
            "javascript:alert(1)",
            "",
        ];
        for foreign in foreign {
            assert_eq!(page(Some(foreign)), "/", "{foreign}");
        }
        assert_eq!(link("/", false), "/login");
        assert_eq!(link("/deliveries/x?a=b&c", true), "/login?to=/deliveries/x?a=b%26c&ended=1");
    }
}
