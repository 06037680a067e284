//! Recording outcomes: up to 512 in one statement and one commit, each fenced by its number of attempts.

use std::collections::HashSet;

use ringback::store::{Recorded, Result, Settlement};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, expunging, rows, sql::prepared};

const DELIVERED: i16 = 1;
const RETRY: i16 = 2;
const KEEP: i16 = 3;
const DEAD: i16 = 4;

/// The kinds of settlements, for statements that name them.
pub(crate) const SETTLEMENTS: [(&str, &str, i16); 4] = [
    ("settlement", "delivered", DELIVERED),
    ("settlement", "retry", RETRY),
    ("settlement", "keep", KEEP),
    ("settlement", "dead", DEAD),
];

/// Records `outcomes` in order. A second outcome of the same delivery goes into a further statement, because one statement
/// can change each row only once.
pub(super) async fn record(store: &Postgres, outcomes: &[Recorded]) -> Result<Vec<bool>> {
    let mut applied = vec![false; outcomes.len()];
    let mut waiting: Vec<usize> = (0..outcomes.len()).collect();
    while !waiting.is_empty() {
        let mut seen = HashSet::with_capacity(waiting.len());
        let (mut now, later): (Vec<usize>, Vec<usize>) =
            waiting.into_iter().partition(|&index| seen.insert(outcomes[index].id));
        // Rows are locked in the order of their ids, as everywhere, so that no two statements deadlock.
        now.sort_unstable_by_key(|&index| outcomes[index].id);
        record_each_once(store, outcomes, &now, &mut applied).await?;
        waiting = later;
    }
    Ok(applied)
}

async fn record_each_once(
    store: &Postgres,
    outcomes: &[Recorded],
    chosen: &[usize],
    applied: &mut [bool],
) -> Result<()> {
    let mut columns = Columns::default();
    for &index in chosen {
        columns.push(&outcomes[index]);
    }
    let mut connection = store.work().await?;
    let rows = prepared(&store.sql().record_outcomes)
        .bind(&columns.id)
        .bind(&columns.fence)
        .bind(&columns.kind)
        .bind(&columns.after)
        .bind(&columns.reason)
        .bind(&columns.why)
        .bind(&columns.blocks)
        .bind(&columns.number)
        .bind(&columns.at)
        .bind(&columns.conclusion)
        .bind(&columns.answered)
        .bind(&columns.error)
        .bind(&columns.phase)
        .bind(&columns.ambiguous)
        .bind(&columns.duration)
        .bind(&columns.detail)
        .bind(&columns.response_body)
        .bind(columns.removes() && columns.reschedules())
        .fetch_all(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    for &index in chosen {
        applied[index] = true;
    }
    let (mut replayed, mut attempts, mut stale) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let index = chosen[rows::position(row, chosen.len())?];
        if rows::get(row, "is_stale")? {
            applied[index] = false;
            stale.push(index);
        } else {
            replayed.push(outcomes[index].id.uuid());
            attempts.push(outcomes[index].fence + i32::from(outcomes[index].attempt.is_some()));
        }
    }
    if !replayed.is_empty() {
        // If a crash loses this number, releasing a replay finds it in `attempt`: it looks at both.
        prepared(&store.sql().raise_attempts)
            .bind(&replayed)
            .bind(&attempts)
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
    }
    // The outcomes are recorded: a failure from here on must not have them recorded again.
    if !stale.is_empty() {
        match drop_repeated(store, &mut connection, outcomes, &stale).await {
            Ok(repeated) => repeated.into_iter().for_each(|index| applied[index] = true),
            Err(error) => tracing::warn!(%error, "stale attempts may be repetitions of those that counted"),
        }
    }
    drop(connection);
    if !stale.is_empty() {
        // Of requests that were open when their event was expunged; the statement above may not have seen the expunge yet.
        let ids: Vec<_> = stale.iter().map(|&index| outcomes[index].id).collect();
        if let Err(error) = expunging::erase_late(store, &ids).await {
            tracing::warn!(%error, "late answers could not be checked; expunge their events again");
        }
    }
    Ok(())
}

/// Those of the stale outcomes that were recorded before, by a statement whose answer was lost. The attempts that they have
/// left a second time are removed.
async fn drop_repeated(
    store: &Postgres,
    connection: &mut PgConnection,
    outcomes: &[Recorded],
    stale: &[usize],
) -> Result<Vec<usize>> {
    let (mut ids, mut numbers, mut at) = (Vec::new(), Vec::new(), Vec::new());
    let (mut durations, mut conclusions) = (Vec::new(), Vec::new());
    for outcome in stale.iter().map(|&index| &outcomes[index]) {
        if let Some(attempt) = &outcome.attempt {
            ids.push(outcome.id.uuid());
            numbers.push(attempt.number);
            at.push(attempt.at.micros());
            durations.push(rows::micros(attempt.duration));
            conclusions.push(attempt.conclusion.code());
        }
    }
    let rows = prepared(&store.sql().drop_repeated_attempts)
        .bind(ids)
        .bind(numbers)
        .bind(at)
        .bind(durations)
        .bind(conclusions)
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    let repeated = rows.iter().map(|row| rows::get(row, "delivery_id")).collect::<Result<HashSet<Uuid>>>()?;
    Ok(stale.iter().copied().filter(|&index| repeated.contains(&outcomes[index].id.uuid())).collect())
}

/// One array for each column of the statement.
#[derive(Default)]
struct Columns<'a> {
    id: Vec<Uuid>,
    fence: Vec<i32>,
    kind: Vec<i16>,
    after: Vec<i64>,
    reason: Vec<Option<i16>>,
    why: Vec<Option<&'a str>>,
    blocks: Vec<bool>,
    number: Vec<Option<i32>>,
    at: Vec<Option<i64>>,
    conclusion: Vec<Option<i16>>,
    answered: Vec<Option<i32>>,
    error: Vec<Option<i16>>,
    phase: Vec<Option<i16>>,
    ambiguous: Vec<bool>,
    duration: Vec<Option<i64>>,
    detail: Vec<Option<&'a [u8]>>,
    response_body: Vec<Option<&'a [u8]>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, recorded: &'a Recorded) {
        self.id.push(recorded.id.uuid());
        self.fence.push(recorded.fence);
        self.push_settlement(&recorded.settlement);
        let attempt = recorded.attempt.as_ref();
        self.number.push(attempt.map(|attempt| attempt.number));
        self.at.push(attempt.map(|attempt| attempt.at.micros()));
        self.conclusion.push(attempt.map(|attempt| attempt.conclusion.code()));
        self.answered.push(attempt.and_then(|attempt| attempt.status).map(i32::from));
        self.error.push(attempt.and_then(|attempt| attempt.error).map(|error| error.code()));
        self.phase.push(attempt.and_then(|attempt| attempt.phase).map(|phase| phase.code()));
        self.ambiguous.push(attempt.is_some_and(|attempt| attempt.ambiguous));
        self.duration.push(attempt.map(|attempt| rows::micros(attempt.duration)));
        self.detail.push(attempt.map(|attempt| &*attempt.detail));
        self.response_body.push(attempt.map(|attempt| &*attempt.response_body));
    }

    fn removes(&self) -> bool {
        self.kind.iter().any(|kind| matches!(*kind, DELIVERED | DEAD))
    }

    fn reschedules(&self) -> bool {
        self.kind.iter().any(|kind| matches!(*kind, RETRY | KEEP))
    }

    fn push_settlement(&mut self, settlement: &'a Settlement) {
        let (kind, after, reason, why, blocks) = match settlement {
            Settlement::Delivered => (DELIVERED, 0, None, None, false),
            Settlement::Retry { after } => (RETRY, rows::micros(*after), None, None, false),
            Settlement::Keep => (KEEP, 0, None, None, false),
            Settlement::Dead { reason, detail, blocks } => (DEAD, 0, Some(reason.code()), detail.as_deref(), *blocks),
        };
        self.kind.push(kind);
        self.after.push(after);
        self.reason.push(reason);
        self.why.push(why);
        self.blocks.push(blocks);
    }
}
