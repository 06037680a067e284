//! `/replays/{id}`: how far a replay has come, and the button that ends it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringback::{
    id::ReplayId,
    store::{ReplayRow, ReplayState},
    time::Timestamp,
};

use super::{phrases, replays};
use crate::{
    api::{Api, replays::find},
    auth::Permission,
    dashboard::{frame::Frame, moment::Moment, submission::Submission, visible::visible, visitor::Visitor},
    problem::Problem,
};

#[derive(Template)]
#[template(path = "replay.html")]
struct Page {
    frame: Frame,
    id: ReplayId,
    state: ReplayState,
    tone: phrases::Tone,
    conditions: String,
    note: Option<String>,
    /// Under way or settled, in hundredths of what was matched.
    percent: i64,
    counts: Vec<(&'static str, String)>,
    rate: String,
    begun: Moment,
    ended: Option<Moment>,
}

/// `GET /replays/{id}`
pub(in crate::dashboard) async fn show(State(api): State<Api>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let page = read(&api, &visitor, &id).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor, id: &str) -> Result<Page, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let row = find(api, &visitor.access, id).await?;
    let now = Timestamp::now();
    // What was released last is still on its way when the replay itself has come to its end.
    let settled = row.delivered + row.dead + row.skipped >= row.matched - row.remaining;
    let is_running =
        row.state == ReplayState::Running || !settled && row.finished_at.is_some_and(|at| now.since(at) < WATCHED);
    Ok(Page {
        frame: visitor.frame(api).looking_again(is_running),
        id,
        state: row.state,
        tone: replays::tone(row.state),
        conditions: visible(&replays::conditions(&row.filter)),
        note: row.note.as_deref().map(visible),
        percent: (row.matched - row.remaining) * 100 / row.matched.max(1),
        counts: counts(&row),
        rate: row
            .rate_per_second
            .map_or_else(|| "as fast as they can be sent".to_owned(), |rate| format!("{rate} a second")),
        begun: Moment::new(row.created_at, now),
        ended: row.finished_at.map(|at| Moment::new(at, now)),
    })
}

/// For so long after its end the outcomes of a replay are waited for.
const WATCHED: std::time::Duration = std::time::Duration::from_secs(60);

fn counts(row: &ReplayRow) -> Vec<(&'static str, String)> {
    let counts = [
        ("Matched", row.matched),
        ("Sent again", row.released),
        ("Remaining", row.remaining),
        ("Skipped", row.skipped),
        ("Delivered", row.delivered),
        ("Dead again", row.dead),
    ];
    counts.map(|(label, count)| (label, phrases::number(count))).into()
}

/// `POST /replays/{id}/cancel`
pub(in crate::dashboard) async fn cancel(
    State(api): State<Api>,
    Path(id): Path<String>,
    Submission { visitor, .. }: Submission,
) -> Response {
    let cancelled = async {
        visitor.must(Permission::Operate, "Cancelling needs a token of scope operator or admin.")?;
        let id: ReplayId = id.parse().map_err(|_| Problem::not_found())?;
        find(&api, &visitor.access, id).await?;
        api.engine.cancel_replay(id, &visitor.by).await?;
        Ok::<_, Problem>(id)
    };
    match cancelled.await {
        Ok(id) => Redirect::to(&visitor.mount.to(&format!("/replays/{id}"))).into_response(),
        Err(problem) => visitor.refused(problem),
    }
}
