//! What a fault befalls: the database, the nodes, the receivers, the stream. The same for every row.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ringback_tests::{
    cluster::Cluster,
    crashed::seen_but_not_recorded,
    database::Database,
    disk::SmallDisk,
    pgbouncer::Pgbouncer,
    receiver::{Gate, Receiver, Reply},
    server::{Log, Serve, Server},
    stores::Store,
    until::{until, until_within},
    wire::Wire,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    outcome::Outcome,
    row::{Place, Row, Setting},
    stream::Stream,
};

/// Healthy endpoints, over which the stream is spread. They lie in different shards.
pub(crate) const LANES: usize = 5;

/// Most requests open to one of them.
pub(crate) const IN_FLIGHT: usize = 8;

/// Most requests open to all of them, of each of which a fault may leave in doubt what became of it.
pub(crate) const IN_FLIGHT_ALL: usize = LANES * IN_FLIGHT;

/// The type of events that go to the receiver which answers only in the end.
pub(crate) const HANGING: &str = "hanging";

/// The stream flows undisturbed for so long before a fault and after it.
const BEFORE: Duration = Duration::from_millis(1_000);
const AFTER: Duration = Duration::from_millis(1_500);

/// How long the ledger may take to settle: longer than any bound of a row.
const SETTLES_WITHIN: Duration = Duration::from_secs(90);

/// Between looks at the ledger.
const LOOK: Duration = Duration::from_millis(100);

/// What is on stage. The nodes end before what they stand on.
pub(crate) struct Scene {
    /// The nodes that are there, running or frozen.
    pub(crate) nodes: Vec<Server>,
    /// What flows.
    pub(crate) stream: Stream,
    /// The receiver of all healthy endpoints.
    pub(crate) healthy: Receiver,
    /// The one that answers only when its gate opens.
    pub(crate) hanging: Receiver,
    /// Its gate; it opens when the fault has ended.
    pub(crate) gate: Gate,
    /// The database as the platform reaches it, whatever stands between it and the nodes.
    pub(crate) database: Arc<Database>,
    /// Its server, if it has one of its own.
    pub(crate) cluster: Option<Cluster>,
    /// What lies between the nodes and that server.
    pub(crate) wire: Option<Wire>,
    /// The file system that it lies on, if that is a small one.
    pub(crate) disk: Option<SmallDisk>,
    /// Events that were delivered while nobody could write that down, if a row has looked: only these may come twice.
    pub(crate) may_repeat: Option<HashSet<String>>,
    /// What a row has seen beside what is compared for every row.
    pub(crate) seen: Vec<String>,
    /// Environment variables of nodes that are started from now on.
    pub(crate) variables: Vec<(&'static str, String)>,
    setting: Setting,
    url: Option<String>,
    _bouncer: Option<Pgbouncer>,
    began: Option<Instant>,
    ended: Option<Instant>,
    /// What all nodes print, also those that are gone.
    logs: Vec<Log>,
}

/// Plays a row.
pub(crate) async fn play(row: Row) -> Outcome {
    let mut scene = Scene::set(row.store, row.setting).await;
    tokio::time::sleep(BEFORE).await;
    scene.begins();
    (row.fault)(&mut scene).await;
    scene.ends();
    tokio::time::sleep(AFTER).await;
    scene.gate.open();
    scene.come_to_rest().await
}

/// A receiver to which nothing came for so long has had everything that a process wrote before it ended.
const QUIET: Duration = Duration::from_millis(500);

impl Scene {
    async fn set(store: Store, setting: Setting) -> Self {
        let (mut cluster, mut wire, mut bouncer, mut disk, mut url) = (None, None, None, None, None);
        let made = match setting.place {
            Place::SmallDisk(size) => Some(SmallDisk::of_mebibytes(size)),
            Place::Ext4(size) => Some(SmallDisk::ext4_of_mebibytes(size)),
            _ => None,
        };
        if let Some(made) = made {
            disk = Some(made.expect("rows that need a file system are left out where none can be made"));
        }
        let folder = disk.as_ref().map_or_else(std::env::temp_dir, |disk| disk.path().to_owned());
        let has_own = matches!(setting.place, Place::Own | Place::SmallDisk(_) | Place::Ext4(_));
        let database = match store {
            Store::Postgres if has_own => {
                let own = Cluster::start_below(&folder, &["min_wal_size=32MB", "max_wal_size=64MB"]).await;
                let between = Wire::to(own.address()).await;
                url = Some(own.url().replace(&own.address(), &between.address().to_string()));
                wire = Some(between);
                Database::of(cluster.insert(own))
            }
            Store::Sqlite if has_own => Database::below(&folder),
            _ => Database::fresh(store).await,
        };
        if let Place::Bouncer(pool_mode) = setting.place {
            let between = bouncer.insert(Pgbouncer::before(&database, pool_mode).await);
            url = Some(between.url().to_owned());
        }
        let database = Arc::new(database);
        let gate = Gate::closed();
        let closed = gate.clone();
        let mut scene = Self {
            nodes: Vec::new(),
            stream: Stream::new(Arc::clone(&database)),
            healthy: Receiver::healthy().await,
            hanging: Receiver::scripted(move |_| Reply::status(204).behind(&closed)).await,
            gate,
            database,
            cluster,
            wire,
            disk,
            may_repeat: None,
            seen: Vec::new(),
            variables: Vec::new(),
            setting,
            url,
            _bouncer: bouncer,
            began: None,
            ended: None,
            logs: Vec::new(),
        };
        let nodes = if store == Store::Sqlite { 1 } else { setting.nodes };
        for _ in 0..nodes {
            scene.start_node().await;
        }
        scene.create_endpoints().await;
        scene.stream.begin();
        until("every lane has been sent to", async || {
            let paths: HashSet<_> = scene.healthy.arrived().into_iter().map(|request| request.path).collect();
            (paths.len() == LANES).then_some(())
        })
        .await;
        scene
    }

    async fn create_endpoints(&self) {
        let retry = json!({"max_attempts": 40, "delays_ms": [200], "jitter": 0.0});
        for lane in 0..LANES {
            let endpoint = json!({
                "url": format!("http://{}/lane-{lane}", self.healthy.address()), "event_types": [format!("to.{lane}")],
                "max_in_flight": IN_FLIGHT, "timeout_ms": self.setting.timeout_ms, "retry": retry,
            });
            self.nodes[0].api.endpoint(endpoint).await;
        }
        let endpoint = json!({
            "url": self.hanging.url(), "event_types": [HANGING], "timeout_ms": 20_000, "retry": retry,
        });
        self.nodes[0].api.endpoint(endpoint).await;
    }

    /// Starts one node more.
    pub(crate) async fn start_node(&mut self) {
        let mut serve = Serve::on(&self.database);
        if let Some(url) = &self.url {
            serve = serve.set("database_url", url);
        }
        for (key, value) in self.setting.keys {
            serve = serve.set(key, value);
        }
        for limit in self.setting.limits {
            serve = serve.limited_by(limit);
        }
        for (name, value) in &self.variables {
            serve = serve.variable(name, value);
        }
        let node = serve.start().await;
        self.logs.push(node.kept_log());
        self.nodes.push(node);
        self.stream.go_by_way_of(self.apis());
    }

    fn apis(&self) -> Vec<ringback_tests::api::Api> {
        self.nodes.iter().map(|node| node.api.clone()).collect()
    }

    /// Takes a node off the stage, which is not asked any more.
    pub(crate) fn take_node(&mut self, index: usize) -> Server {
        let node = self.nodes.remove(index);
        self.stream.go_by_way_of(self.apis());
        node
    }

    /// Kills the only node there is, and notes down which events it has delivered without having recorded that.
    pub(crate) async fn kill_only_node(&mut self) {
        self.take_node(0).kill().await;
        // What the node had written into its sockets arrives after its end: so for a while nothing more must come.
        until("the receiver is done with it", async || {
            let before = self.healthy.count();
            tokio::time::sleep(QUIET).await;
            (self.healthy.open() == 0 && self.healthy.count() == before).then_some(())
        })
        .await;
        let seen = seen_but_not_recorded(&self.database, &self.healthy).await;
        self.may_repeat.get_or_insert_default().extend(seen);
    }

    /// The cluster of a row that has one of its own.
    pub(crate) fn cluster(&mut self) -> &mut Cluster {
        self.cluster.as_mut().expect("the row is set on a cluster of its own")
    }

    /// Notes down what a node says of itself; returns the status.
    pub(crate) async fn ask_readiness(&mut self) -> u16 {
        let answer = self.nodes[0].api.get("/readyz").await;
        let body: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        let told = ["code", "status", "detail"].map(|name| body[name].as_str().unwrap_or_default());
        self.seen.push(format!("/readyz: {} {}", answer.status.as_u16(), told.join(" ").trim()));
        answer.status.as_u16()
    }

    /// Lets no more events in until the stream begins again.
    pub(crate) async fn pause(&mut self) {
        self.stream.end().await;
    }

    /// Another server takes the cluster's place: the nodes and the platform are led there.
    pub(crate) fn lead_to(&mut self, other: Cluster) {
        self.wire.as_ref().expect("the row is set on a cluster of its own").lead_to(other.address());
        let database = Arc::new(Database::of(&other));
        self.stream.emit_on(Arc::clone(&database));
        self.database = database;
        self.cluster = Some(other);
    }

    /// Lets it go on as it is.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// The fault begins now; by itself it begins with the row's function.
    pub(crate) fn begins(&mut self) {
        self.began = Some(Instant::now());
    }

    /// The fault ends now; by itself it ends with the row's function.
    pub(crate) fn ends(&mut self) {
        self.ended.get_or_insert_with(Instant::now);
    }

    /// The ledger, once every node has nothing more to do.
    async fn settled(&self) -> Value {
        let mut ledger = Value::Null;
        for node in &self.nodes {
            ledger = Value::Null;
            let settled = tokio::time::timeout(SETTLES_WITHIN, async {
                while ledger["deliveries"]["pending"] != 0 || ledger["events"]["unrouted"] != 0 {
                    tokio::time::sleep(LOOK).await;
                    ledger = node.api.balanced_ledger().await;
                }
            });
            if settled.await.is_err() {
                let pending = node.api.get("/v1/deliveries?status=pending&limit=3").await.expect(200);
                panic!("the ledger does not come to rest: {ledger}; pending are, for example, {}", pending["items"]);
            }
            ledger = node.api.settled().await;
        }
        ledger
    }

    /// Ends the stream, waits until nothing more can arrive, and compares.
    async fn come_to_rest(mut self) -> Outcome {
        let emitted = self.stream.end().await;
        for node in &self.nodes {
            until_within(SETTLES_WITHIN, "a node is ready", async || {
                (node.api.get("/readyz").await.status == 200).then_some(())
            })
            .await;
        }
        let (healthy, hanging, ledger) = loop {
            let ledger = self.settled().await;
            until("the receivers have answered", async || {
                (self.healthy.open() + self.hanging.open() == 0).then_some(())
            })
            .await;
            let (healthy, hanging) = (self.healthy.arrived(), self.hanging.arrived());
            // An emit whose caller gave up may be committed as late as this: ledger and arrivals are of one moment.
            if self.nodes[0].api.balanced_ledger().await == ledger {
                break (healthy, hanging, ledger);
            }
        };
        let [began, ended] = [self.began, self.ended].map(|moment| moment.expect("the fault is over"));
        let mut outcome = Outcome::compare(&emitted, &healthy, &hanging, began, ended);
        outcome.name_causes(&self.nodes[0].api).await;
        outcome.ledger = ledger;
        outcome.may_repeat = self.may_repeat.take();
        outcome.log = self.logs.iter().map(Log::text).collect();
        outcome.seen = std::mem::take(&mut self.seen);
        outcome
    }
}
