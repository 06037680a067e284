//! One event per transaction of `ringback.emit`, over connections of the platform's own.

use std::sync::Arc;

use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::{task::JoinSet, time::Instant};

use super::{Done, Events, Pace, pace::Turns};
use crate::{
    failure::{Failure, Result},
    payload,
};

/// Emits over so many connections. The moment of emit is that of sending the statement, which is its own transaction:
/// what follows from it includes the commit.
pub(super) async fn emit(url: &str, connections: usize, pace: Pace, events: Events) -> Result<Done> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut connection = PgConnection::connect(url).await?;
        // The statement is prepared here, not in the first that counts.
        sqlx::query("SET jit = off").execute(&mut connection).await?;
        open.push(connection);
    }
    let talk = payload::talk(events.sizes.largest());
    let given = Arc::new(Given { talk, events, turns: Turns::begin(pace)? });
    let mut clients = JoinSet::new();
    for connection in open {
        clients.spawn(client(connection, Arc::clone(&given)));
    }
    while clients.join_next().await.is_some() {}
    Arc::into_inner(given).ok_or_else(|| Failure::new("a client is still running"))?.turns.end()
}

struct Given {
    talk: String,
    events: Events,
    turns: Turns,
}

async fn client(mut connection: PgConnection, given: Arc<Given>) {
    while let Some(turn) = given.turns.next().await {
        let number = given.events.first + turn;
        let options = json!({"tenant": given.events.tenant(number), "key": format!("call-{number}")}).to_string();
        let since = Instant::now();
        let payload = payload::emitted_now(&given.talk, number, given.events.sizes.of(number));
        let outcome = sqlx::query("SELECT ringback.emit('call.ended', $1, $2::jsonb)")
            .bind(payload)
            .bind(options)
            .execute(&mut connection)
            .await;
        given.turns.done(since.elapsed(), outcome.map(|_| ()).map_err(Failure::from));
    }
}
