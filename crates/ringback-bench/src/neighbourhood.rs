//! A thousand customers, some of whose receivers are sick: who is which, and an open loop of events for all of them.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    bench::Bench,
    database::Store,
    failure::{Failure, Result},
    measure::{latency::Latency, used::Used},
    process::{
        node::Node,
        producer::{Done, Events, Pace},
        receiver::{Behaviour, Report},
    },
    sizes::USUAL,
    stage::{Moment, Stage},
};

/// Of each hundred endpoints so many are sick; the others are healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mix {
    pub(crate) hanging: u64,
    pub(crate) slow: u64,
    pub(crate) flapping: u64,
    pub(crate) busy: u64,
}

impl Mix {
    pub(crate) const HEALTHY: Self = Self::hanging(0);

    /// What a platform with a thousand customers may see on a bad day.
    pub(crate) const BAD_DAY: Self = Self { hanging: 10, slow: 3, flapping: 1, busy: 2 };

    /// So many of a hundred hang, all others are healthy.
    pub(crate) const fn hanging(hanging: u64) -> Self {
        Self { hanging, slow: 0, flapping: 0, busy: 0 }
    }

    /// How an endpoint behaves. The sick are spread among the others.
    fn of(self, number: u64) -> Behaviour {
        let place = number.wrapping_mul(37) % 100;
        if place < self.hanging {
            Behaviour::Hanging(30_000)
        } else if place < self.hanging + self.slow {
            Behaviour::Slow(2_000)
        } else if place < self.hanging + self.slow + self.flapping {
            Behaviour::Flapping(5_000)
        } else if place < self.hanging + self.slow + self.flapping + self.busy {
            Behaviour::Busy
        } else {
            Behaviour::Healthy
        }
    }
}

/// A running neighbourhood.
pub(crate) struct Neighbourhood<'a> {
    pub(crate) stage: Stage<'a>,
    pub(crate) node: Node,
    endpoints: u64,
    mix: Mix,
}

/// What came of a loop.
pub(crate) struct Seen {
    pub(crate) done: Done,
    pub(crate) report: Report,
    pub(crate) used: Used,
    /// Of the healthy endpoints, a second.
    pub(crate) healthy_rate: f64,
    pub(crate) healthy_expected: u64,
    pub(crate) healthy: Latency,
}

/// Of the producer: enough to keep its pace while answers take their time.
const CLIENTS: usize = 128;

/// How long the healthy ones' last events may be under way after the loop has ended. Only a broken engine needs it.
const REST: Duration = Duration::from_secs(60);

impl<'a> Neighbourhood<'a> {
    /// Builds one: a tenant for each endpoint.
    pub(crate) async fn build(bench: &'a Bench, store: Store, endpoints: u64, mix: Mix) -> Result<Self> {
        let stage = Stage::set(bench, store).await?;
        let node = Node::start(&stage.database).await?;
        let mut connection = node.connect().await?;
        for number in 0..endpoints {
            let url = stage.receiver.url(mix.of(number), u32::try_from(number)?);
            Node::endpoint_over(&mut connection, &format!("t{number}"), &url, 16).await?;
        }
        Ok(Self { stage, node, endpoints, mix })
    }

    /// Deliveries a second when events come as fast as they are accepted.
    pub(crate) async fn capacity(&mut self, count: u64) -> Result<f64> {
        self.stage.receiver.reset(0).await?;
        let since = Moment::now();
        let pace = Pace::count(count, 300.0);
        let events = Events { first: 1_000_000_000, sizes: USUAL, tenants: self.endpoints };
        self.stage.produce(&self.node.job(64, pace, events), pace).await?;
        let report = self.stage.receiver.all(count, REST).await?;
        Ok(count as f64 / (report.last_ns.saturating_sub(since.monotonic_ns) as f64 / 1e9))
    }

    /// Events at `rate` a second for all of them, whatever the answers.
    pub(crate) async fn open_loop(&mut self, rate: f64, seconds: f64) -> Result<Seen> {
        self.stage.receiver.reset(0).await?;
        let window = self.stage.begin(&[self.node.pid]).await?;
        let since = Moment::now();
        let pace = Pace::rate(rate, seconds);
        let events = Events { first: 0, sizes: USUAL, tenants: self.endpoints };
        let done = self.stage.produce(&self.node.job(CLIENTS, pace, events), pace).await?;
        let is_healthy = |number: &u64| self.mix.of(*number % self.endpoints) == Behaviour::Healthy;
        let healthy_expected = (0..done.accepted).filter(is_healthy).count() as u64;
        let report = self.healthy(healthy_expected).await?;
        let used = self.stage.end(window, &[self.node.pid]).await?;
        let class = report.healthy().ok_or_else(|| Failure::new("nothing healthy has arrived"))?.clone();
        let healthy = class.latency.ok_or_else(|| Failure::new("the receiver has no latencies"))?;
        let healthy_rate = class.arrivals as f64 / (class.last_ns.saturating_sub(since.monotonic_ns) as f64 / 1e9);
        Ok(Seen { done, report, used, healthy_rate, healthy_expected, healthy })
    }

    async fn healthy(&mut self, expected: u64) -> Result<Report> {
        let since = Instant::now();
        loop {
            let report = self.stage.receiver.report().await?;
            let arrived = report.healthy().map_or(0, |class| class.arrivals);
            if arrived >= expected {
                return Ok(report);
            }
            if since.elapsed() > REST {
                return Err(Failure::new(format!("{arrived} of {expected} healthy deliveries arrived")));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it. What hangs would be waited for, so the node is killed.
    pub(crate) async fn leave(self) -> Result<()> {
        self.node.kill().await?;
        self.stage.clear().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_endpoints_have_the_mix() {
        let sick = |kind: fn(Behaviour) -> bool| (200..300).filter(|number| kind(Mix::BAD_DAY.of(*number))).count();
        assert_eq!(sick(|behaviour| matches!(behaviour, Behaviour::Hanging(_))), 10);
        assert_eq!(sick(|behaviour| matches!(behaviour, Behaviour::Slow(_))), 3);
        assert_eq!(sick(|behaviour| matches!(behaviour, Behaviour::Flapping(_))), 1);
        assert_eq!(sick(|behaviour| matches!(behaviour, Behaviour::Busy)), 2);
        assert_eq!(sick(|behaviour| matches!(behaviour, Behaviour::Healthy)), 84);
    }
}
