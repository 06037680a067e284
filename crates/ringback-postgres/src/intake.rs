//! Storing events that were emitted through the engine, with their deliveries, in one transaction, without the outbox.

use std::time::Duration;

use ringback::{
    delivery::Due,
    store::{
        Acceptance, Accepted, Error, EventToAccept, Group, Intake, Result,
        rules::{
            acceptance,
            idempotency::{Holder, Holders, Name},
        },
    },
    time::Timestamp,
};
use sqlx::PgConnection;

use crate::{Postgres, audit, error::from_sqlx, idempotency, once, routed::RoutedRows, rows, sql::prepared};

#[async_trait::async_trait]
impl Intake for Postgres {
    async fn config_version(&self) -> Result<i64> {
        rows::get(&self.read_at_once(&self.sql().config_version).await?, 0)
    }

    async fn accept(&self, groups: &[Group], window: Duration) -> Result<Vec<Acceptance>> {
        if groups.iter().all(is_plain) {
            let mut answers = acceptance::of_groups(groups, &Holders::new(), window);
            let events: Vec<_> = groups.iter().flat_map(|group| &group.events).collect();
            let due = store_events(self, &mut *self.live_work().await?, &events).await?;
            acceptance::hand_out(groups, &mut answers, due);
            return Ok(answers);
        }
        let mut transaction = self.begin_work().await?;
        let events = groups.iter().flat_map(|group| &group.events);
        let wanted = events.filter_map(|event| Some((Name::of_accepted(event)?, Holder::accepted(event)))).collect();
        let locked = idempotency::lock(self, &mut transaction, wanted).await?;
        let mut answers = acceptance::of_groups(groups, &locked.holders, window);
        idempotency::keep(self, &mut transaction, &locked, &acceptance::taken(groups, &answers)).await?;
        take_request_keys(self, &mut transaction, groups, &mut answers).await?;
        let fresh: Vec<_> = acceptance::stored(groups, &answers).collect();
        let due = store_events(self, &mut transaction, &fresh).await?;
        for record in acceptance::records(groups, &answers) {
            audit::write(self, &mut transaction, record).await?;
        }
        transaction.commit().await.map_err(from_sqlx)?;
        acceptance::hand_out(groups, &mut answers, due);
        Ok(answers)
    }
}

/// Whether one statement stores the group, so that no transaction around it is needed.
fn is_plain(group: &Group) -> bool {
    let has_keys = |event: &EventToAccept| event.idempotency_key.is_some() || event.ordering_key.is_some();
    group.record.is_none() && group.once.is_none() && !group.events.iter().any(has_keys)
}

/// Takes the keys of requests that are carried out once, in one global order. Requests that were carried out before are
/// answered with what they created.
async fn take_request_keys(
    store: &Postgres,
    connection: &mut PgConnection,
    groups: &[Group],
    answer: &mut [Acceptance],
) -> Result<()> {
    let mut wanted: Vec<_> =
        groups.iter().zip(answer).filter_map(|(group, entries)| Some((group.once.as_ref()?, entries))).collect();
    wanted.sort_by_key(|(once, _)| &once.name);
    for (once, entries) in wanted {
        if let Some(before) = once::take(store, connection, once).await? {
            entries.fill(Accepted::Before(before));
        }
    }
    Ok(())
}

async fn store_events(store: &Postgres, connection: &mut PgConnection, events: &[&EventToAccept]) -> Result<Vec<Due>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut routed = RoutedRows::default();
    for (place, event) in (1..).zip(events) {
        routed.push(event.id, place, &event.routing, false);
    }
    let endpoint_keys = events
        .iter()
        .map(|event| event.endpoint_keys.as_ref().map(serde_json::to_string).transpose())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| Error::Refused(Box::new(error)))?;
    let row = routed
        .bind(prepared(&store.sql().accept_events))
        .bind(events.iter().map(|event| event.id.uuid()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| &*event.tenant).collect::<Vec<_>>())
        .bind(events.iter().map(|event| &*event.event_type).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.key.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.ordering_key.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.idempotency_key.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.occurred_at.micros()).collect::<Vec<_>>())
        .bind(endpoint_keys)
        .bind(events.iter().map(|event| event.destination.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.trace.as_ref().map(|trace| trace.to_text())).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.test).collect::<Vec<_>>())
        .bind(events.iter().map(|event| &*event.payload).collect::<Vec<&[u8]>>())
        .bind(events.iter().map(|event| event.id.uuid()).max())
        .bind(events.iter().map(|event| event.schedule.deliver_after.map(Timestamp::micros)).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.schedule.expires_at.map(Timestamp::micros)).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.metadata.as_ref()?.to_text()).collect::<Vec<_>>())
        .fetch_one(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    routed.number(&rows::get::<Vec<i64>, _>(&row, "by_place")?)?;
    routed.due(store, connection, rows::time(&row, "now")?).await
}
