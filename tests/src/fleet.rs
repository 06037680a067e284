//! Two nodes on one database (on SQLite one), and when a change must be obeyed by all of them.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    api::{Api, id_of},
    database::Database,
    receiver::{Arrived, Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    until::until,
};

/// What is promised: so long after it was answered, a change is obeyed by every node.
pub const PROMISED: Duration = Duration::from_secs(1);

/// More lanes than two nodes can share so that one of them has none, as long as shards are shared at all.
const LANES_MAX: usize = 24;

/// The body of the requests by which a fleet learns who sends for a lane.
const PROBE: &[u8] = br#"{"who":"sends"}"#;

/// Nodes that share the work.
pub struct Fleet {
    nodes: Vec<Server>,
    lanes: AtomicUsize,
}

/// An endpoint of a fleet. Its requests come to a path of its own.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The endpoint's id.
    pub id: String,
    /// The path of its URL.
    pub path: String,
}

impl Fleet {
    /// Starts it; both nodes may dial the loopback.
    pub async fn on(database: &Database) -> Self {
        let mut nodes = vec![Serve::on(database).set("header_prefix", "node0-").start().await];
        if database.store() == Store::Postgres {
            nodes.push(Serve::on(database).set("header_prefix", "node1-").start().await);
        }
        Self { nodes, lanes: AtomicUsize::new(0) }
    }

    /// The API of one node.
    #[must_use]
    pub fn first(&self) -> &Api {
        &self.nodes[0].api
    }

    /// The API of the other node, where there is one.
    #[must_use]
    pub fn last(&self) -> &Api {
        &self.nodes[self.nodes.len() - 1].api
    }

    /// Every node's API.
    pub fn all(&self) -> impl Iterator<Item = &Api> {
        self.nodes.iter().map(|node| &node.api)
    }

    /// The API of this node and that by turns: what is asked of a fleet must not depend on who is asked.
    #[must_use]
    pub fn by_turns(&self, turn: usize) -> &Api {
        &self.nodes[turn % self.nodes.len()].api
    }

    /// Creates endpoints at a receiver until every node sends for at least one of them. `fields` are those of an endpoint
    /// but for its URL. The receiver is scripted anew here, and forgets nothing that arrived.
    pub async fn lanes_at(&self, receiver: &Receiver, fields: &Value) -> Vec<Lane> {
        receiver.answer(|_| Reply::status(204));
        let mut lanes: Vec<Lane> = Vec::new();
        let mut asked = 0;
        let mut owners: HashMap<String, usize> = HashMap::new();
        until("every node sends", async || {
            if lanes.len() < LANES_MAX {
                lanes.push(self.lane_at(receiver, fields).await);
            }
            let lane = &lanes[asked % lanes.len()];
            asked += 1;
            let probes = || receiver.arrived().into_iter().filter(|it| it.path == lane.path && is_probe(it));
            let before = probes().count();
            let test = json!({"payload": {"who": "sends"}});
            self.first().post(&format!("/v1/endpoints/{}/test", lane.id), &test).await.expect(202);
            let probe = until("the probe arrives", async || probes().nth(before)).await;
            owners.insert(lane.path.clone(), self.sender_of(&probe));
            let senders: HashSet<_> = owners.values().collect();
            (senders.len() == self.nodes.len()).then_some(())
        })
        .await;
        lanes
    }

    async fn lane_at(&self, receiver: &Receiver, fields: &Value) -> Lane {
        let path = format!("/lane-{}", self.lanes.fetch_add(1, Ordering::Relaxed));
        let mut endpoint = fields.clone();
        endpoint["url"] = json!(format!("http://{}{path}", receiver.address()));
        Lane { id: id_of(&self.first().endpoint(endpoint).await), path }
    }

    /// Which node sent a request.
    fn sender_of(&self, request: &Arrived) -> usize {
        let sent = |node: &usize| !request.header(&format!("node{node}-attempt")).is_empty();
        (0..self.nodes.len()).find(sent).expect("one of the nodes sent it")
    }

    /// Waits until a change that was answered just now must be obeyed by every node: a second, and for a busy machine
    /// [`Fleet::slack`] more. Returns when that was.
    pub async fn reached(&self) -> Instant {
        let answered = Instant::now();
        let obeyed = answered + PROMISED + self.slack().await;
        tokio::time::sleep_until(obeyed).await;
        obeyed
    }

    /// Asks every node for something that stands in the database, for a second. Returns twice the time of the slowest
    /// answer: to obey a change, a node asks the database and then a receiver, and neither can be faster than this
    /// machine is now. So a busy machine does not look like a broken promise, and an idle one excuses nothing.
    pub async fn slack(&self) -> Duration {
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        while begun.elapsed() < PROMISED {
            for api in self.all() {
                let asked = Instant::now();
                api.get("/v1/endpoints?limit=1").await.expect(200);
                slowest = slowest.max(asked.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slowest * 2
    }

    /// Everything that has ever arrived at a receiver, once no node has anything left to send.
    pub async fn arrived_when_settled(&self, receiver: &Receiver) -> Vec<Arrived> {
        for api in self.all() {
            api.settled().await;
        }
        let mut arrived = receiver.arrived_when_settled(self.first()).await;
        arrived.retain(|request| !is_probe(request));
        arrived
    }
}

/// Whether a request is one by which a fleet learnt who sends.
#[must_use]
pub fn is_probe(request: &Arrived) -> bool {
    request.body == PROBE
}
