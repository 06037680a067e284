//! The result of routing, as rows: shared by intake, which routes before it stores, and by the outbox.

use std::collections::HashSet;

use ringback::{
    delivery::{Due, LaneId, Marks, NewDelivery},
    id::{DeliveryId, EndpointId, EventId},
    store::{Error, Result, Routing, Verdict, codes::NoDelivery},
    time::Timestamp,
};
use sqlx::{PgConnection, Postgres as Db, postgres::PgArguments, query::Query};
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, rows, sql::prepared};

const OWED: i16 = 0;
const UNROUTABLE: i16 = 1;
const CANCELLED: i16 = 2;

/// The fates of a routed delivery, for statements that name them.
pub(crate) const FATES: [(&str, &str, i16); 3] =
    [("fate", "owed", OWED), ("fate", "unroutable", UNROUTABLE), ("fate", "cancelled", CANCELLED)];

const UNMATCHED: i16 = NoDelivery::Unmatched.code();
const DUPLICATE: i16 = NoDelivery::Duplicate.code();

/// One array for each column that is inserted.
#[derive(Default)]
pub(crate) struct RoutedRows<'a> {
    id: Vec<Uuid>,
    lane: Vec<i64>,
    endpoint: Vec<Option<Uuid>>,
    ordering_key: Vec<Option<&'a str>>,
    marks: Vec<i16>,
    seq: Vec<i64>,
    config_version: Vec<i64>,
    fate: Vec<i16>,
    detail: Vec<Option<&'a str>>,
    deliver_after: Vec<Option<i64>>,
    expires_at: Vec<Option<i64>>,
    verdict_event: Vec<Uuid>,
    verdict_kind: Vec<i16>,
    verdict_of: Vec<Option<Uuid>>,
    verdict_version: Vec<i64>,
}

impl<'a> RoutedRows<'a> {
    /// Adds an event's deliveries, or its verdict. If the event was expunged before it was routed, its deliveries are
    /// cancelled at once.
    pub(crate) fn push(&mut self, event: EventId, seq: i64, routing: &'a Routing, expunged: bool) {
        let version = routing.config_version;
        match &routing.verdict {
            Verdict::Deliveries(deliveries) => {
                let fate = if expunged { CANCELLED } else { OWED };
                for delivery in deliveries {
                    self.push_delivery(delivery, seq, version, fate, None);
                }
            }
            Verdict::Unroutable { delivery, detail } => {
                let fate = if expunged { CANCELLED } else { UNROUTABLE };
                self.push_delivery(delivery, seq, version, fate, Some(detail));
            }
            Verdict::Unmatched => self.push_verdict(event, UNMATCHED, None, version),
        }
    }

    /// Adds an event that is folded into an earlier one.
    pub(crate) fn push_duplicate(&mut self, event: EventId, of: EventId, config_version: i64) {
        self.push_verdict(event, DUPLICATE, Some(of), config_version);
    }

    fn push_delivery(&mut self, delivery: &'a NewDelivery, seq: i64, version: i64, fate: i16, detail: Option<&'a str>) {
        self.id.push(delivery.id.uuid());
        self.lane.push(delivery.lane.as_i64());
        self.endpoint.push(delivery.endpoint.map(|endpoint| endpoint.uuid()));
        self.ordering_key.push(delivery.ordering_key.as_deref());
        self.marks.push(delivery.marks.bits());
        self.seq.push(seq);
        self.config_version.push(version);
        self.fate.push(fate);
        self.detail.push(detail);
        self.deliver_after.push(delivery.schedule.deliver_after.map(Timestamp::micros));
        self.expires_at.push(delivery.schedule.expires_at.map(Timestamp::micros));
    }

    fn push_verdict(&mut self, event: EventId, kind: i16, of: Option<EventId>, version: i64) {
        self.verdict_event.push(event.uuid());
        self.verdict_kind.push(kind);
        self.verdict_of.push(of.map(|of| of.uuid()));
        self.verdict_version.push(version);
    }

    /// Binds the columns: $1 to $13 of every statement that inserts them.
    pub(crate) fn bind<'q>(&'q self, query: Query<'q, Db, PgArguments>) -> Query<'q, Db, PgArguments> {
        query
            .bind(&self.id)
            .bind(&self.lane)
            .bind(&self.endpoint)
            .bind(&self.ordering_key)
            .bind(&self.marks)
            .bind(&self.seq)
            .bind(&self.config_version)
            .bind(&self.fate)
            .bind(&self.detail)
            .bind(&self.verdict_event)
            .bind(&self.verdict_kind)
            .bind(&self.verdict_of)
            .bind(&self.verdict_version)
    }

    /// Binds when deliveries may begin: $14 and $15 of the statement that does not read it from their events.
    fn bind_schedules<'q>(&'q self, query: Query<'q, Db, PgArguments>) -> Query<'q, Db, PgArguments> {
        query.bind(&self.deliver_after).bind(&self.expires_at)
    }

    /// Replaces each event's place in the batch, counted from 1, by its `seq`, which the database has assigned since.
    pub(crate) fn number(&mut self, by_place: &[i64]) -> Result<()> {
        for seq in &mut self.seq {
            let place = usize::try_from(*seq - 1).ok();
            let number = place.and_then(|place| by_place.get(place));
            *seq = *number.ok_or_else(|| Error::corrupt("an event without its seq"))?;
        }
        Ok(())
    }

    /// The deliveries that are due, by id, now that all were inserted at `now`. A delivery that waits for an earlier one of
    /// its ordering key is not due.
    pub(crate) async fn due(
        &self,
        store: &Postgres,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Vec<Due>> {
        let mut due = self.owed(now);
        keep_heads(store, connection, &mut due).await?;
        due.sort_unstable_by_key(|due| due.id);
        Ok(due)
    }

    /// The pending deliveries that are due, as they were inserted.
    fn owed(&self, due_at: Timestamp) -> Vec<Due> {
        let waits = |at: usize| self.deliver_after[at].is_some_and(|after| after > due_at.micros());
        let owed = (0..self.id.len()).filter(|&at| self.fate[at] == OWED && !waits(at));
        owed.map(|at| Due {
            id: DeliveryId::from_uuid(self.id[at]),
            lane: LaneId::from_i64(self.lane[at]),
            endpoint: self.endpoint[at].map(EndpointId::from_uuid),
            due_at,
            seq: self.seq[at],
            attempts: 0,
            attempts_at_refill: 0,
            marks: Marks::from_bits(self.marks[at]),
            ordering_key: self.ordering_key[at].map(Into::into),
        })
        .collect()
    }

    /// Inserts everything; returns the due deliveries, by id.
    pub(crate) async fn insert(&self, store: &Postgres, connection: &mut PgConnection) -> Result<Vec<Due>> {
        let statement = self.bind_schedules(self.bind(prepared(&store.sql().insert_routed)));
        let row = statement.fetch_one(&mut *connection).await.map_err(from_sqlx)?;
        self.due(store, connection, rows::time(&row, "now")?).await
    }
}

/// Drops the deliveries that are not the heads of their ordering keys.
async fn keep_heads(store: &Postgres, connection: &mut PgConnection, due: &mut Vec<Due>) -> Result<()> {
    let ordered: Vec<Uuid> = due.iter().filter(|due| due.ordering_key.is_some()).map(|due| due.id.uuid()).collect();
    if ordered.is_empty() {
        return Ok(());
    }
    let rows = prepared(&store.sql().select_heads).bind(&ordered).fetch_all(connection).await.map_err(from_sqlx)?;
    let heads = rows.iter().map(|row| rows::get(row, "id")).collect::<Result<HashSet<Uuid>>>()?;
    due.retain(|due| due.ordering_key.is_none() || heads.contains(&due.id.uuid()));
    Ok(())
}
