//! Waiting until nothing more can arrive: whoever says "once" must look when there could have been a second time.
//!
//! `receiver.wait_for(1)` is over as soon as the first request has come; a second one that comes a moment later is never
//! seen. So a test that counts asks [`Receiver::arrived_when_settled`].

use serde_json::Value;

use crate::{
    api::Api,
    receiver::{Arrived, Receiver},
    until::until,
};

impl Api {
    /// The ledger, as soon as every event is routed, no delivery is owed, no replay of a delivered one is on its way, and
    /// this node has no request open.
    ///
    /// What is held, or waits for a late retry, never settles.
    ///
    /// # Panics
    /// When it does not settle, or the sums of the ledger do not come out.
    pub async fn settled(&self) -> Value {
        until("the ledger is settled", async || {
            let ledger = self.balanced_ledger().await;
            let is_done = ledger["events"]["unrouted"] == 0 && ledger["deliveries"]["pending"] == 0;
            (is_done && self.replays_nothing().await && self.has_nothing_open().await).then_some(ledger)
        })
        .await
    }

    /// Whether none of the thousand newest delivered ones is to be sent again: the ledger does not count those.
    async fn replays_nothing(&self) -> bool {
        let delivered = self.get("/v1/deliveries?status=delivered&limit=1000").await.expect(200);
        delivered["items"].as_array().expect("a list").iter().all(|it| it["next_attempt_at"].is_null())
    }

    async fn has_nothing_open(&self) -> bool {
        let page = self.get("/metrics").await;
        String::from_utf8_lossy(&page.bytes).lines().any(|line| line == "ringback_requests_open 0")
    }
}

impl Receiver {
    /// Everything that has ever arrived, once the ledger of the server is settled and nothing is being answered.
    pub async fn arrived_when_settled(&self, api: &Api) -> Vec<Arrived> {
        api.settled().await;
        until("the receiver has answered", async || (self.open() == 0).then_some(())).await;
        self.arrived()
    }
}
