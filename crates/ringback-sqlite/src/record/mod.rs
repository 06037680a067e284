//! Recording outcomes: a handful of statements for up to 512 of them, in one commit.
//!
//! An outcome is applied if the delivery's `attempts` are the same as when it was sent; any other outcome is stale: it
//! changes no delivery, and only its attempt is stored. The fences are read first, inside the write transaction, so nothing
//! can change between reading and writing.
//!
//! ```text
//! delivered            -> finished, the attempt inside        dead -> dead_letter, attempt
//! delivered before     -> only removed, attempt               retry, keep -> delivery, attempt
//! ```

mod rows;

use std::collections::{HashMap, HashSet};

use ringback::{
    attempt::{Attempt, Conclusion},
    delivery::Marks,
    id::{DeliveryId, EventId},
    store::{Recorded, Settlement, rules::erasing},
};
use sqlx::{Row as _, SqliteConnection};

pub(crate) use self::rows::ReplayedRow;
use self::rows::{AgainRow, AttemptRow, Bytes, CountRow, DeadRow, FinishedRow, RepeatedRow, micros};
use crate::{
    batch::{Heap, Hex, json},
    read::{now, uuid},
};

/// Applies the outcomes that are not stale; returns for each whether it was applied.
pub(crate) async fn record(tx: &mut SqliteConnection, outcomes: &[Recorded]) -> sqlx::Result<Vec<bool>> {
    let mut fences = read_fences(tx, outcomes).await?;
    let repeated = find_repeated(tx, outcomes, &fences).await?;
    let mut plan = Plan::new(now(), find_expunged(tx, outcomes, &fences).await?);
    let mut add = |(index, outcome)| {
        if repeated.contains(&index) { Ok(true) } else { plan.add(outcome, &mut fences) }
    };
    let applied = outcomes.iter().enumerate().map(&mut add).collect::<sqlx::Result<_>>()?;
    plan.write(tx).await?;
    Ok(applied)
}

/// The number of attempts that fences a delivery, and the parts of its row that recording needs.
struct Fence {
    attempts: i32,
    marks: Marks,
}

async fn read_fences(tx: &mut SqliteConnection, outcomes: &[Recorded]) -> sqlx::Result<HashMap<DeliveryId, Fence>> {
    let ids: Vec<_> = outcomes.iter().map(|outcome| Hex(outcome.id.uuid())).collect();
    let rows = sqlx::query(sql!("work/read_fences")).bind(json(&ids)?).fetch_all(tx).await?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        let fence = Fence { attempts: row.try_get("attempts")?, marks: Marks::from_bits(row.try_get("marks")?) };
        Ok((DeliveryId::from_uuid(uuid(row, "id")?), fence))
    };
    rows.iter().map(read).collect()
}

/// Those of the outcomes that are stale only because they were recorded before, by a write whose answer was lost.
async fn find_repeated(
    tx: &mut SqliteConnection,
    outcomes: &[Recorded],
    fences: &HashMap<DeliveryId, Fence>,
) -> sqlx::Result<HashSet<usize>> {
    let is_stale = |outcome: &Recorded| fences.get(&outcome.id).is_none_or(|fence| fence.attempts != outcome.fence);
    let stale = outcomes.iter().enumerate().filter(|(_, outcome)| is_stale(outcome));
    let tried = stale.filter_map(|(index, outcome)| Some((index, outcome.id, outcome.attempt.as_ref()?)));
    let (indices, rows): (Vec<_>, Vec<_>) =
        tried.map(|(index, id, attempt)| (index, RepeatedRow::of(id, attempt))).unzip();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let found = sqlx::query_scalar::<_, i64>(sql!("work/find_repeated")).bind(json(&rows)?).fetch_all(tx).await?;
    Ok(found.into_iter().filter_map(|key| indices.get(usize::try_from(key).ok()?).copied()).collect())
}

/// The events of stale outcomes that have been expunged, and whether their destination came with them: the attempts of such
/// events are stored without the receivers' answers.
async fn find_expunged(
    tx: &mut SqliteConnection,
    outcomes: &[Recorded],
    fences: &HashMap<DeliveryId, Fence>,
) -> sqlx::Result<HashMap<EventId, bool>> {
    let stale = outcomes.iter().filter(|outcome| !fences.contains_key(&outcome.id));
    let events: Vec<_> = stale.map(|outcome| Hex(outcome.id.event().uuid())).collect();
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(sql!("outbox/find_expunged")).bind(json(&events)?).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((EventId::from_uuid(uuid(row, "id")?), row.try_get("inline")?))).collect()
}

/// The rows of every statement.
struct Plan {
    now: i64,
    expunged: HashMap<EventId, bool>,
    finished_bytes: Heap,
    attempts_bytes: Heap,
    removed: Vec<Hex>,
    finished: Vec<FinishedRow>,
    dead: Vec<DeadRow>,
    again: Vec<AgainRow>,
    attempts: Vec<AttemptRow>,
    counted: Vec<CountRow>,
    replayed: Vec<ReplayedRow>,
}

impl Plan {
    fn new(now: i64, expunged: HashMap<EventId, bool>) -> Self {
        Self {
            now,
            expunged,
            finished_bytes: Heap::new(),
            attempts_bytes: Heap::new(),
            removed: vec![],
            finished: vec![],
            dead: vec![],
            again: vec![],
            attempts: vec![],
            counted: vec![],
            replayed: vec![],
        }
    }

    /// Adds an outcome; false if it is stale. A fence serves once: a second outcome of the same delivery in a batch is
    /// stale. A settlement `Delivered` without an attempt is refused, since nothing would be left of the delivery.
    fn add(&mut self, outcome: &Recorded, fences: &mut HashMap<DeliveryId, Fence>) -> sqlx::Result<bool> {
        let matches = fences.get(&outcome.id).is_some_and(|fence| fence.attempts == outcome.fence);
        let Some(fence) = matches.then(|| fences.remove(&outcome.id)).flatten() else {
            match (&outcome.attempt, self.expunged.get(&outcome.id.event())) {
                (Some(attempt), Some(&is_inline)) => {
                    let left = erasing::erased_attempt(attempt, is_inline);
                    self.keep_attempt(outcome.id, &left, Conclusion::Stale);
                }
                (Some(attempt), None) => self.keep_attempt(outcome.id, attempt, Conclusion::Stale),
                (None, _) => {}
            }
            return Ok(false);
        };
        let is_first = matches!(outcome.settlement, Settlement::Delivered) && !fence.marks.delivered_before;
        if is_first && outcome.attempt.is_none() {
            return Err(sqlx::Error::Encode("what was delivered was delivered by an attempt".into()));
        }
        self.settle(outcome, &fence);
        Ok(true)
    }

    fn settle(&mut self, outcome: &Recorded, fence: &Fence) {
        let id = Hex(outcome.id.uuid());
        let attempts = fence.attempts + i32::from(outcome.attempt.is_some());
        let before = fence.marks.delivered_before;
        let delivered = matches!(outcome.settlement, Settlement::Delivered);
        match &outcome.attempt {
            // The attempt that delivered is stored in `finished`; all others are rows of `attempt`.
            Some(attempt) if delivered && !before => self.finish(outcome.id, attempts, attempt),
            Some(attempt) => self.keep_attempt(outcome.id, attempt, attempt.conclusion),
            None => {}
        }
        if before && outcome.attempt.is_some() {
            self.counted.push(CountRow { id, attempts });
        }
        match &outcome.settlement {
            Settlement::Delivered => self.removed.push(id),
            Settlement::Dead { reason, detail, blocks } => {
                self.removed.push(id);
                if !before {
                    self.dead.push(DeadRow {
                        id,
                        attempts,
                        reason: reason.code(),
                        blocks: *blocks,
                        last_status: outcome.attempt.as_ref().and_then(|attempt| attempt.status),
                        last_error: outcome
                            .attempt
                            .as_ref()
                            .and_then(|attempt| attempt.error)
                            .map(|error| error.code()),
                        detail: detail.clone(),
                    });
                }
            }
            Settlement::Retry { after } => {
                let after = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
                self.again.push(AgainRow { id, attempts, due_at: Some(self.now.saturating_add(after)) });
            }
            Settlement::Keep => self.again.push(AgainRow { id, attempts, due_at: None }),
        }
        if fence.marks.replay && matches!(outcome.settlement, Settlement::Delivered | Settlement::Dead { .. }) {
            self.replayed.push(ReplayedRow { id, outcome: if delivered { 1 } else { 2 } });
        }
    }

    fn finish(&mut self, id: DeliveryId, attempts: i32, attempt: &Attempt) {
        let bytes = Bytes::keep(&mut self.finished_bytes, attempt);
        self.finished.push(FinishedRow {
            id: Hex(id.uuid()),
            attempts,
            number: attempt.number,
            answered: attempt.status,
            at: attempt.at.micros(),
            duration: micros(attempt),
            bytes,
        });
    }

    fn keep_attempt(&mut self, id: DeliveryId, attempt: &Attempt, conclusion: Conclusion) {
        let bytes = Bytes::keep(&mut self.attempts_bytes, attempt);
        self.attempts.push(AttemptRow {
            delivery: Hex(id.uuid()),
            at: attempt.at.micros(),
            duration: micros(attempt),
            number: attempt.number,
            answered: attempt.status,
            conclusion: conclusion.code(),
            error: attempt.error.map(|error| error.code()),
            phase: attempt.phase.map(|phase| phase.code()),
            ambiguous: attempt.ambiguous,
            bytes,
        });
    }

    /// Runs the statements in this order: those that copy a delivery before those that remove it.
    async fn write(self, tx: &mut SqliteConnection) -> sqlx::Result<()> {
        if !self.finished.is_empty() {
            let insert = sqlx::query(sql!("work/insert_finished")).bind(json(&self.finished)?);
            insert.bind(self.finished_bytes.into_bytes()).bind(self.now).execute(&mut *tx).await?;
        }
        if !self.dead.is_empty() {
            let insert = sqlx::query(sql!("work/insert_dead_letters")).bind(json(&self.dead)?);
            insert.bind(self.now).execute(&mut *tx).await?;
        }
        if !self.attempts.is_empty() {
            let insert = sqlx::query(sql!("work/insert_attempts")).bind(json(&self.attempts)?);
            insert.bind(self.attempts_bytes.into_bytes()).execute(&mut *tx).await?;
        }
        if !self.again.is_empty() {
            sqlx::query(sql!("work/update_deliveries")).bind(json(&self.again)?).execute(&mut *tx).await?;
        }
        if !self.counted.is_empty() {
            sqlx::query(sql!("work/raise_attempts")).bind(json(&self.counted)?).execute(&mut *tx).await?;
        }
        if !self.replayed.is_empty() {
            settle_replayed(tx, &self.replayed).await?;
        }
        remove(tx, &self.removed).await
    }
}

/// Removes deliveries that have been copied to their new table.
pub(crate) async fn remove(tx: &mut SqliteConnection, ids: &[Hex]) -> sqlx::Result<()> {
    if !ids.is_empty() {
        sqlx::query(sql!("work/delete_deliveries")).bind(json(ids)?).execute(tx).await?;
    }
    Ok(())
}

/// Stores the outcomes of these deliveries with the replays that released them.
pub(crate) async fn settle_replayed(tx: &mut SqliteConnection, rows: &[ReplayedRow]) -> sqlx::Result<()> {
    sqlx::query(sql!("work/settle_replay_items")).bind(json(rows)?).execute(tx).await?;
    Ok(())
}
