//! What is measured, and how.

pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod latency;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod used;
pub(crate) mod wal;
