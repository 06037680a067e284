//! How much memory the bodies of all requests may hold together.
//!
//! What has arrived is counted, byte by byte as it arrives; what a request says about its own length is not believed.
//! The bytes count until their request ends. What is then left of them, an event's payload, is the engine's, whose own
//! limits hold.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// What is left of the memory for bodies, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<AtomicUsize>);

/// What one request holds of it; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    bytes: AtomicUsize,
}

/// There is no room for what has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn of(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Nothing yet.
    pub(crate) fn held(&self) -> Held {
        Held { budget: self.clone(), bytes: AtomicUsize::new(0) }
    }
}

impl Held {
    /// Holds so many bytes more.
    ///
    /// # Errors
    /// When all requests together would hold too many; this one then holds what it held.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Exhausted> {
        let left = self.budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        left.map_err(|_| Exhausted)?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.0.fetch_add(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

impl From<Exhausted> for Problem {
    fn from(Exhausted: Exhausted) -> Self {
        let detail = "The requests under way hold as much memory as they may; the same request may succeed later.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "request_memory_exhausted", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_hold_is_bounded_and_comes_back() {
        let budget = Budget::of(10);
        let (first, second) = (budget.held(), budget.held());
        assert_eq!((first.take(4), first.take(3), second.take(3)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(second.take(1), Err(Exhausted));
        drop(first);
        assert_eq!((second.take(7), second.take(1)), (Ok(()), Err(Exhausted)));
        drop(second);
        assert_eq!(budget.held().take(10), Ok(()));
    }
}
