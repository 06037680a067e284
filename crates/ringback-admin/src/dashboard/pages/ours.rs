//! What the start page says of this side: whether Ringback itself keeps up, whatever the receivers do. Nodes and the lag of all
//! are told to those whose token is bound to no tenant.

use std::time::Duration;

use ringback::{
    delivery::SHARDS,
    operate::flow::{Flow, LATELY},
    store::{NodeState, Nodes},
    time::span,
};

use super::{
    overview::{Tile, lateness},
    phrases::{self, Tone},
};
use crate::{api::Api, problem::Problem};

/// What there is to say of this side.
pub(super) struct Ours {
    pub(super) tiles: Vec<Tile>,
    /// No node sends anything. Not told to a token of one tenant.
    pub(super) is_idle: bool,
}

impl Ours {
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn read(api: &Api, tenant: Option<&str>) -> Result<Self, Problem> {
        let engine = &api.engine;
        let mut ours = Self { tiles: of_flow(&engine.flow(tenant).await?), is_idle: false };
        if tenant.is_none() {
            let nodes = engine.nodes().await?;
            ours.tiles.push(of_lag(engine.waiting().await?.oldest_due_unheld));
            ours.tiles.push(of_nodes(&nodes));
            ours.is_idle = alive(&nodes) == 0;
        }
        Ok(ours)
    }
}

fn alive(nodes: &Nodes) -> usize {
    nodes.items.iter().filter(|node| node.state == NodeState::Alive).count()
}

fn of_flow(flow: &Flow) -> Vec<Tile> {
    let tile = |label, rate, note| Tile { label, value: a_minute(rate), note, tone: Tone::Plain };
    let failed = if flow.failed > 0.0 { format!("{} failed", a_minute(flow.failed)) } else { "none failed".to_owned() };
    vec![
        tile("Accepted", flow.accepted, format!("events in, last {}", span(LATELY.as_secs()))),
        tile("Attempts", flow.attempts, format!("requests out, {failed}")),
    ]
}

/// What is due, and nothing but this side keeps from being sent.
fn of_lag(unheld: Option<Duration>) -> Tile {
    let age = unheld.map(|age| age.as_secs());
    Tile {
        label: "Lag",
        value: age.map_or_else(|| "none".to_owned(), span),
        note: "of what is not held".to_owned(),
        tone: age.map_or(Tone::Plain, lateness),
    }
}

fn of_nodes(nodes: &Nodes) -> Tile {
    let (note, tone) = match nodes.unowned {
        0 => ("every shard is served".to_owned(), Tone::Plain),
        unowned => (format!("{unowned} of {SHARDS} shards served by nobody"), Tone::Bad),
    };
    Tile { label: "Nodes", value: format!("{} alive", alive(nodes)), note, tone }
}

/// `0/min`, `0.4/min`, `1 234/min`.
fn a_minute(rate: f64) -> String {
    if rate > 0.0 && rate < 9.95 {
        return format!("{rate:.1}/min");
    }
    #[expect(clippy::cast_possible_truncation, reason = "a rate beyond 2^63 would be cut to it")]
    let whole = rate.round() as i64;
    format!("{}/min", phrases::number(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_rate_is_not_none() {
        assert_eq!(
            [0.0, 0.4, 9.94, 9.96, 1_234.4].map(a_minute),
            ["0/min", "0.4/min", "9.9/min", "10/min", "1\u{202f}234/min"]
        );
    }

    #[test]
    fn shards_that_nobody_serves_are_alarming() {
        let told = of_nodes(&Nodes { items: Vec::new(), unowned: 64 });
        assert_eq!((told.value.as_str(), told.tone), ("0 alive", Tone::Bad));
        assert_eq!(told.note, "64 of 64 shards served by nobody");
        assert_eq!(of_nodes(&Nodes { items: Vec::new(), unowned: 0 }).tone, Tone::Plain);
    }
}
