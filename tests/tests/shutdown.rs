//! SIGTERM: what is on its way is finished, nothing new is started, and the process ends with status 0.

use std::time::Duration;

use ringback_tests::{
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::json;

on_both_stores! {
    async fn what_is_in_flight_is_finished_and_what_is_not_is_sent_by_the_next(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|_| Reply::status(204).after(Duration::from_millis(500))).await;
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "max_in_flight": 4})).await;
        for number in 0..12 {
            server.api.emit("call.ended", number.to_string().as_bytes(), json!({})).await;
        }
        receiver.wait_for(4).await;
        let status = server.terminate().await;
        assert_eq!(status.code(), Some(0), "{status}");
        assert_eq!(receiver.open(), 0, "no request was cut off");

        let server = Serve::on(&database).start().await;
        let requests = receiver.arrived_when_settled(&server.api).await;
        let ids: std::collections::HashSet<_> = requests.iter().map(|request| request.id().to_owned()).collect();
        assert_eq!((ids.len(), requests.len()), (12, 12), "and none was sent twice");
    }
}
