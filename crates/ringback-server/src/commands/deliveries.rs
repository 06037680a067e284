//! `ringback deliveries`: lists deliveries, or shows one with all its attempts.

use ringback::{
    delivery::Status,
    id::{DeliveryId, EventId},
    time::Timestamp,
};

use super::{filter::Filter, page::Paging, value};
use crate::{
    client::{
        Client, Connection, segment,
        views::{Delivery, Event},
    },
    failure::Result,
    print::{Paint, Table},
    screen,
};

/// List deliveries, or show one with everything that was tried
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback deliveries --key call-42
  ringback deliveries --endpoint-id ep_0198… --status pending
  ringback deliveries --host hooks.example.com --since 2h --limit 200
  ringback deliveries dlv_0198…
  ringback deliveries dlv_0198… --json | jq '.attempts[-1].request.headers'

--since and --until go by when the deliveries were made. Ends with 3 when there is none.")]
pub(crate) struct Deliveries {
    /// Show this one with its attempts
    #[arg(value_name = "DELIVERY", conflicts_with_all = ["tenant", "endpoint_id", "event_type", "key", "since", "until",
        "event_id", "host", "status", "limit", "cursor"], value_parser = value::id::<DeliveryId>)]
    delivery: Option<String>,

    #[command(flatten)]
    filter: Filter,

    /// Of this event (evt_…)
    #[arg(long, value_name = "ID", value_parser = value::id::<EventId>)]
    event_id: Option<String>,

    /// To this host
    #[arg(long)]
    host: Option<String>,

    /// Where they stand
    #[arg(long, value_parser = value::word::<Status>())]
    status: Option<String>,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    connection: Connection,
}

impl Deliveries {
    /// Lists one page, or shows one delivery.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        if let Some(id) = &self.delivery {
            return show_one(&client, id, self.paging.json).await;
        }
        let mut query = self.filter.fields();
        let more = [("event_id", self.event_id), ("host", self.host), ("status", self.status)];
        query.extend(more.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let of_any = self.filter.tenant.is_none();
        let show = |deliveries: &[Delivery]| show(deliveries, of_any);
        self.paging.list(&client, "/v1/deliveries", query, "no delivery matches", show).await
    }
}

/// With the tenants unless only one was asked for.
fn show(deliveries: &[Delivery], of_any: bool) {
    let now = Timestamp::now();
    let table = Table::new(["MADE", "STATUS", "TRIES", "NEXT", "TENANT", "TYPE", "KEY", "DELIVERY", "TO"]);
    let mut table = table.toned("STATUS", screen::tone).only_if("TENANT", of_any);
    for delivery in deliveries {
        table.row([
            delivery.created_at.relative_to(now),
            delivery.status.clone(),
            delivery.attempt_count.to_string(),
            screen::next(delivery, now),
            delivery.tenant.clone(),
            delivery.event_type.clone(),
            delivery.key.clone().unwrap_or_default(),
            delivery.id.clone(),
            delivery.to().to_owned(),
        ]);
    }
    table.print();
}

async fn show_one(client: &Client, id: &str, json: bool) -> Result<()> {
    let answer = client.get(&format!("/v1/deliveries/{}", segment(id)), &[]).await?.accepted(json)?;
    if json {
        answer.print();
        return Ok(());
    }
    let delivery: Delivery = answer.read()?;
    let event: Event = client.get(&format!("/v1/events/{}", delivery.event_id), &[]).await?.accepted(false)?.read()?;
    let paint = Paint::stdout();
    screen::head(&event, paint);
    screen::delivery(&delivery, &event, paint);
    Ok(())
}
