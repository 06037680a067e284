//! `/live`: tells a page that is open when it should be looked at anew.
//!
//! The stream says only that something has changed. The page's script then asks for the page again, as any reload would, so
//! that whatever a visitor sees has come through the page's own checks.
//!
//! A stream is bounded: in number for the node and for each session ([`places`]), in time, by the visitor's session, which is
//! asked again and again, and by the end of the server. However many there are, the store is looked at once a second
//! ([`watch`]).

mod places;
mod watch;

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequestParts as _, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use http_body::Frame;
use ringback::{audit::Who, store::Subject};
use tokio::{
    sync::{mpsc, watch::Receiver},
    time::{Instant, interval_at, sleep},
};

use self::{
    places::{Place, Places},
    watch::{Changes, Watched},
};
use super::{origin, visitor::Visitor};
use crate::api::Api;

/// How long a stream lasts: browsers open the next one by themselves, and no connection is taken for good.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// How often a stream asks whether its session goes on, and how long nothing is said at most. Proxies end connections that
/// say nothing for a minute.
const CHECKED_EVERY: Duration = Duration::from_secs(5);

/// A page may have been rendered before its stream was opened, so it is told at once. An interrupted stream is opened again
/// after three seconds.
const OPENED: Bytes = Bytes::from_static(b"retry: 3000\ndata: changed\n\n");

/// Something has changed.
const CHANGED: Bytes = Bytes::from_static(b"data: changed\n\n");

/// Nothing, to a client that may have gone.
const STILL_HERE: Bytes = Bytes::from_static(b":\n\n");

/// What all streams of a router share.
#[derive(Debug, Default)]
pub(crate) struct Live {
    places: Arc<Places>,
    watched: Arc<Watched>,
}

/// `GET /live`
pub(super) async fn show(State(api): State<Api>, parts: Parts) -> Response {
    if !origin::is_ours(&parts) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut asked = parts.clone();
    let visitor = match Visitor::from_request_parts(&mut asked, &api).await {
        Ok(visitor) => visitor,
        // A script can do nothing with the way to the login.
        Err(refused) if refused.status().is_server_error() => return refused.status().into_response(),
        Err(_) => return StatusCode::UNAUTHORIZED.into_response(),
    };
    let Some(place) = api.live.places.take(whose(&visitor)) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let subject = visitor.access.tenant.map_or(Subject::All, Subject::Tenant);
    let changes = api.live.watched.watch(&api.engine, subject);
    let (told, words) = mpsc::channel(1);
    tokio::spawn(tell(api, parts, changes, told, place));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // nginx would gather what is said until there is more of it.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::new(Words(words))).into_response()
}

/// The session, or the person whom the host application names.
fn whose(visitor: &Visitor) -> Option<String> {
    match (visitor.cookie(), &visitor.by.who) {
        (Some(session), _) => Some(session.to_owned()),
        (None, Who::Host(person)) => person.clone(),
        (None, _) => None,
    }
}

/// Tells until the client goes, its session ends, or the stream's time is over.
async fn tell(api: Api, request: Parts, changes: Changes, told: mpsc::Sender<Bytes>, place: Place) {
    let end = ended(api.end.clone());
    // In this order, so that a stream says its first word whatever ends it.
    tokio::select! {
        biased;
        () = tell_changes(&api, request, changes, &told) => {}
        () = told.closed() => {}
        () = sleep(LIFE) => {}
        () = end => {}
    }
    drop(place);
}

async fn tell_changes(api: &Api, mut request: Parts, mut changes: Changes, told: &mpsc::Sender<Bytes>) {
    let mut checks = interval_at(Instant::now() + CHECKED_EVERY, CHECKED_EVERY);
    let mut word = OPENED;
    while told.send(word).await.is_ok() {
        word = tokio::select! {
            next = changes.changed() => match next {
                Ok(()) => CHANGED,
                Err(_) => return,
            },
            _ = checks.tick() => match Visitor::from_request_parts(&mut request, api).await {
                Ok(_) => STILL_HERE,
                // The page that is asked for again is the login.
                Err(_) => return drop(told.send(CHANGED).await),
            },
        };
    }
}

/// Resolves once the server ends; never, where nobody says when.
async fn ended(end: Option<Receiver<()>>) {
    match end {
        // Nobody sends anything, so this waits for the sender to go.
        Some(mut end) => while end.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}

/// What is said to one client, as the body of an answer.
struct Words(mpsc::Receiver<Bytes>);

impl HttpBody for Words {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|word| word.map(|word| Ok(Frame::data(word))))
    }
}
