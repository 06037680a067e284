//! Random lives over partitions, as a long-running installation has them: old events are retired with what is left of them
//! moved along, while everything else goes on.

use super::*;

#[tokio::test]
async fn random_lives_over_partitions_are_those_of_the_model() {
    for seed in ringback_testkit::model::seeds().take(1) {
        let (store, schema) = with_one_partition_from(110).await;
        for days in [70, 20, 0] {
            split_at(&store, Timestamp::now() - DAY * days).await;
        }
        assert!(partitions(&store, "event").await.len() > 4, "old events have partitions of their own");
        ringback_testkit::model::live(&store, seed).await;
        fresh::remove(&store, &schema).await;
    }
}
