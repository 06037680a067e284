//! Waits for what becomes of one delivery, and shows each attempt as it ends.

use std::time::Duration;

use ringback::time::Timestamp;
use tokio::time::Instant;

use crate::{
    client::{Client, segment, views::Delivery},
    failure::{Failure, Result},
    print::{self, Paint},
    screen,
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a due delivery may wait for its turn, beside the time of the attempt itself: then nobody seems to send it.
const STALLED: Duration = Duration::from_secs(15);

/// Waits until the delivery is settled; an attempt may take as long as `timeout`.
///
/// # Errors
/// When it was not delivered, or nobody seems to send it.
pub(super) async fn wait(client: &Client, id: &str, timeout: Duration, json: bool) -> Result<()> {
    let (path, paint) = (format!("/v1/deliveries/{}", segment(id)), Paint::stdout());
    let (mut shown, mut moved) = (0, Instant::now());
    loop {
        let answer = client.get(&path, &[]).await?.accepted(json)?;
        let delivery: Delivery = answer.read()?;
        let is_settled = delivery.status != "pending";
        for attempt in delivery.attempts.iter().filter(|attempt| attempt.number > shown) {
            if !json {
                screen::attempt(attempt, paint);
            }
        }
        let now = Timestamp::now();
        let later = delivery.next_attempt_at.filter(|at| *at > now && !is_settled);
        let last = delivery.attempts.last().map_or(0, |attempt| attempt.number);
        // A test passes a hold, so that its end says nothing about the next attempt.
        if let Some(at) = later.filter(|_| last > shown && delivery.hold_reason.is_none() && !json) {
            print::note(format_args!("the next attempt is {}", at.relative_to(now)));
        }
        if last > shown || later.is_some() {
            (shown, moved) = (last, Instant::now());
        }
        if is_settled {
            if json {
                answer.print();
            } else {
                print::line(format!("  {}", screen::standing(&delivery, now, paint)));
            }
            return concluded(&delivery);
        }
        if moved.elapsed() > timeout + STALLED {
            return Err(Failure::failed(stalled(&delivery)));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn concluded(delivery: &Delivery) -> Result<()> {
    match delivery.status.as_str() {
        "delivered" => Ok(()),
        status => Err(Failure::failed(format_args!("{} was not delivered: it is {status}", delivery.id))),
    }
}

/// The message about a delivery that is due and not tried.
fn stalled(delivery: &Delivery) -> String {
    let id = &delivery.id;
    match delivery.hold_reason.as_deref() {
        Some(reason) => format!("{id} is held ({reason}) and goes out when that ends"),
        None => format!("{id} is due, and nobody sends it: a node that runs `ringback serve` does"),
    }
}
