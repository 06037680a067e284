//! Adds what this process counts to the figures of all, every few seconds and once more at the end.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{deliver::Delivering, metrics::ADDED_EVERY};

/// Adds figures until `stop`.
pub(crate) async fn sum_up(delivering: Arc<Delivering>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        delivering.pause(ADDED_EVERY, &stop).await;
        delivering.engine().add_figures().await;
    }
}
