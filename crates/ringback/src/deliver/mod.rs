//! From a delivery that is due to an outcome that is recorded.

pub mod send;
pub mod sign;
