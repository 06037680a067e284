//! `ringback nodes`: which processes send, until when, and what each owns.

use ringback::time::Timestamp;
use serde::Deserialize;

use crate::{
    client::Connection,
    failure::{Failure, Result},
    print::{self, Table, Tone},
};

/// List the processes that send
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback nodes
  ringback nodes --json | jq .unowned_shards

Each node owns some of the 64 shards, which are parts of all lanes. If its lease ends, others take
them. A token that asks needs the scope admin. Ends with 3 when no process sends.")]
pub(crate) struct Nodes {
    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// The API's answer.
#[derive(Debug, Deserialize)]
struct Listed {
    items: Vec<Node>,
    shards: u16,
    unowned_shards: u16,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    state: String,
    since: Timestamp,
    lease_until: Option<Timestamp>,
    shards: u16,
}

impl Nodes {
    /// Lists all of them.
    pub(crate) async fn run(self) -> Result<()> {
        let answer = self.connection.open().await?.get("/v1/nodes", &[]).await?.accepted(self.json)?;
        let nodes: Listed = answer.read()?;
        if self.json {
            answer.print();
        }
        if nodes.items.is_empty() && nodes.unowned_shards > 0 {
            return Err(Failure::NothingFound(
                "no process sends: nothing is delivered until `ringback serve` runs".to_owned(),
            ));
        }
        if !self.json {
            show(&nodes);
        }
        Ok(())
    }
}

fn show(nodes: &Listed) {
    let now = Timestamp::now();
    let mut table = Table::new(["NODE", "STATE", "SINCE", "LEASE UNTIL", "SHARDS"]).toned("STATE", tone);
    for node in &nodes.items {
        table.row(cells(node, now));
    }
    table.print();
    let (unowned, all) = (nodes.unowned_shards, nodes.shards);
    if nodes.items.is_empty() {
        print::line("a process sends, but which one is not known here");
    } else if unowned > 0 {
        print::line(format!("{unowned} of {all} shards have no node that is alive: what is due there waits"));
    }
}

fn cells(node: &Node, now: Timestamp) -> [String; 5] {
    let until =
        node.lease_until.map_or_else(|| "as long as it has the lock".to_owned(), |until| until.relative_to(now));
    [node.id.clone(), node.state.clone(), node.since.relative_to(now), until, node.shards.to_string()]
}

fn tone(state: &str) -> Tone {
    if state == "alive" { Tone::Good } else { Tone::Bad }
}
