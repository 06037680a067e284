//! Whether the database answers and takes writes.

use std::time::Instant;

use super::Result;

/// What a store does about a database that does not answer, or takes no writes.
#[async_trait::async_trait]
pub trait Liveness {
    /// A call that began at `asked` was given up without an answer: the store stops using connections that were open then.
    fn distrust(&self, asked: Instant);

    /// Makes a small durable write that changes nothing else.
    async fn probe(&self) -> Result<()>;
}
