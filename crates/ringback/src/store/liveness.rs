//! Whether the database does what it is asked.

use std::time::Instant;

use super::Result;

/// What a store does about a database that does not answer, or takes no writes.
#[async_trait::async_trait]
pub trait Liveness {
    /// A call that began at `asked` was given up without an answer. Connections that were open then are used no more.
    fn distrust(&self, asked: Instant);

    /// Makes a small durable write, of no other consequence.
    async fn probe(&self) -> Result<()>;
}
