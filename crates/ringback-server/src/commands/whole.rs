//! One event with its deliveries and every attempt: what `find` and `explain` show.

use crate::{
    client::{
        Answer, Client, segment,
        views::{Delivery, Event},
    },
    failure::Result,
    print::{self, Paint},
    screen,
};

/// Most deliveries of an event shown in full.
const DELIVERIES_MAX: usize = 20;

/// An event with its deliveries.
#[derive(Debug)]
pub(super) struct Whole {
    /// The API's answer about the event.
    pub(super) answer: Answer,
    /// The event, with routing.
    pub(super) event: Event,
    /// Its first deliveries, with their attempts.
    pub(super) deliveries: Vec<Delivery>,
}

impl Whole {
    /// Loads the event with its deliveries; with `json` only the API's answer about the event.
    pub(super) async fn load(client: &Client, id: &str, json: bool) -> Result<Self> {
        let answer = client.get(&format!("/v1/events/{}", segment(id)), &[]).await?.accepted(json)?;
        let event: Event = answer.read()?;
        let mut deliveries = Vec::new();
        for delivery in event.deliveries.iter().take(if json { 0 } else { DELIVERIES_MAX }) {
            let path = format!("/v1/deliveries/{}", delivery.id);
            deliveries.push(client.get(&path, &[]).await?.accepted(false)?.read()?);
        }
        Ok(Self { answer, event, deliveries })
    }

    /// Shows the deliveries, and says how many it leaves out.
    pub(super) fn show_deliveries(&self, paint: Paint) {
        self.deliveries.iter().for_each(|delivery| screen::delivery(delivery, &self.event, paint));
        if self.event.deliveries.len() > DELIVERIES_MAX {
            let more = self.event.deliveries.len() - DELIVERIES_MAX;
            print::line(format!("  and {more} deliveries more: ringback deliveries --event-id {}", self.event.id));
        }
    }
}
