//! `/nodes`: which processes send, until when, and what each owns; as `GET /v1/nodes`.

use axum::{extract::State, response::Response};
use ringback::{
    delivery::SHARDS,
    store::{NodeRow, NodeState},
    time::Timestamp,
};

use super::{
    listing::{Cell, Listing, Narrowing, Row, Table},
    phrases::Tone,
};
use crate::{
    api::Api,
    dashboard::{moment::Moment, visitor::Visitor},
    problem::Problem,
};

const PAGE: &str = "/nodes";

const HEAD: &[&str] = &["Node", "State", "Since", "Lease until", "Shards"];

const NEEDS_ADMIN: &str = "Nodes need a token of scope admin that is not bound to a tenant.";

/// `GET /nodes`
pub(in crate::dashboard) async fn show(State(api): State<Api>, visitor: Visitor) -> Response {
    let page = read(&api, &visitor).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor) -> Result<Listing, Problem> {
    visitor.must_administer_all(NEEDS_ADMIN)?;
    let (nodes, now) = (api.engine.nodes().await?, Timestamp::now());
    let mut rows: Vec<_> = nodes.items.iter().map(|node| row(api, node, now)).collect();
    if nodes.unowned > 0 && !nodes.items.is_empty() {
        rows.push(unowned(nodes.unowned));
    }
    Ok(Listing {
        frame: visitor.frame(api),
        title: "Nodes",
        hint: "Processes that send. Each owns some of the 64 shards, which are parts of all lanes; if its lease ends, others take them.",
        narrowing: Narrowing::new(&visitor.mount, PAGE),
        table: Table::new(HEAD, rows),
        nothing: "No process sends: nothing is delivered until one does.",
        older: None,
    })
}

fn row(api: &Api, node: &NodeRow, now: Timestamp) -> Row {
    let (state, tone) = match node.state {
        NodeState::Alive => (node.state.name(), Tone::Good),
        NodeState::Ended => (node.state.name(), Tone::Bad),
    };
    let id = Cell::code(node.id.to_string());
    Row::of(vec![
        if api.engine.node() == Some(node.id) { id.with("this one".to_owned()) } else { id },
        Cell::tag(state, tone),
        Cell::at(Some(Moment::new(node.id.registered_at(), now))),
        match node.lease_until {
            Some(until) => Cell::at(Some(Moment::new(until, now))),
            None => Cell::text("as long as it has the lock"),
        },
        Cell::text(node.shards.to_string()),
    ])
}

/// What no node serves.
fn unowned(shards: u16) -> Row {
    let none = || Cell::text("");
    let served = format!("{shards} of {SHARDS}");
    Row::of(vec![Cell::text("nobody"), Cell::tag("not served", Tone::Bad), none(), none(), Cell::text(served)])
}
