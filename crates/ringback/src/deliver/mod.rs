//! From a delivery that is due to an outcome that is recorded.

pub mod judge;
mod retry;
mod retry_after;
pub mod send;
pub mod sign;
