//! One event per request to `POST /v1/events`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Done, Events, Pace, pace::Turns};
use crate::{
    failure::{Failure, Result},
    payload,
    process::connection::{Connection, authority},
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Emits over so many connections.
pub(super) async fn emit(url: &str, token: &str, connections: usize, pace: Pace, events: Events) -> Result<Done> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(authority(url)).await?);
    }
    let given = Arc::new(Given {
        authorization: format!("Bearer {token}"),
        talk: payload::talk(events.sizes.largest()),
        events,
        turns: Turns::begin(pace)?,
    });
    let mut clients = JoinSet::new();
    for connection in open {
        clients.spawn(client(connection, Arc::clone(&given)));
    }
    while clients.join_next().await.is_some() {}
    Arc::into_inner(given).ok_or_else(|| Failure::new("a client is still running"))?.turns.end()
}

struct Given {
    authorization: String,
    talk: String,
    events: Events,
    turns: Turns,
}

async fn client(mut connection: Connection, given: Arc<Given>) {
    while let Some(turn) = given.turns.next().await {
        let since = Instant::now();
        let outcome = async {
            let request = given.request(&connection, given.events.first + turn)?;
            let (status, said) = timeout(PATIENCE, connection.send(request)).await??;
            if status.as_u16() == 202 {
                return Ok(());
            }
            Err(Failure::new(format!("{status}: {}", String::from_utf8_lossy(&said))))
        };
        let outcome = outcome.await;
        given.turns.done(since.elapsed(), outcome);
    }
}

impl Given {
    fn request(&self, connection: &Connection, number: u64) -> Result<Request<Full<Bytes>>> {
        let bytes = self.events.sizes.of(number);
        let tenant = self.events.tenant(number);
        let payload = payload::emitted_now(&self.talk, number, bytes);
        let body = format!(r#"{{"type":"call.ended","tenant":"{tenant}","key":"call-{number}","payload":{payload}}}"#);
        let request = connection
            .request("POST", "/v1/events")
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json");
        Ok(request.body(Full::from(body))?)
    }
}
