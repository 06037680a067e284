//! A secret is rotated without a moment in which its receiver can verify nothing.

use ringback_tests::{
    api::id_of,
    database::Database,
    on_both_stores,
    receiver::{Arrived, Receiver},
    server::Serve,
    stores::Store,
};
use serde_json::json;

/// The list that a request carries.
fn signatures(request: &Arrived) -> Vec<String> {
    request.header("webhook-signature").split(' ').map(str::to_owned).collect()
}

on_both_stores! {
    async fn old_and_new_secret_sign_side_by_side_until_the_overlap_ends(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = id_of(&server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"]})).await);
        let rotate = format!("/v1/endpoints/{endpoint}/rotate-secret");
        let mut expected = 0;
        // How many signatures a request has after each rotation: never more than two old ones beside the new.
        for (rotation, count) in [
            (None, 1),
            (Some(json!({})), 2),
            (Some(json!({"overlap_seconds": 3_600})), 3),
            (Some(json!({})), 3),
            (Some(json!({"overlap_seconds": 0})), 1),
        ] {
            if let Some(rotation) = rotation {
                server.api.post(&rotate, &rotation).await.expect(200);
            }
            server.api.emit("call.ended", b"{}", json!({})).await;
            expected += 1;
            let requests = receiver.wait_for(expected).await;
            let signatures = signatures(&requests[expected - 1]);
            assert_eq!(signatures.len(), count, "{signatures:?}");
            assert!(signatures.iter().all(|signature| signature.starts_with("v1,")), "{signatures:?}");
        }
    }
}
