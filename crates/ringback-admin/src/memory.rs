//! Limits the memory that the bodies of all requests take together.
//!
//! Bytes are counted as they arrive; the length that a request declares is not trusted. They count until their request ends.
//! Payloads that are in memory after that belong to the engine, which has limits of its own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// What is left of the memory for bodies, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<AtomicUsize>);

/// The part that one request takes; it is given back on drop.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    bytes: AtomicUsize,
}

/// There is no memory left for bytes that have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn of(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// A part of zero bytes, for a new request.
    pub(crate) fn held(&self) -> Held {
        Held { budget: self.clone(), bytes: AtomicUsize::new(0) }
    }
}

impl Held {
    /// Takes so many bytes more.
    ///
    /// # Errors
    /// When all requests together would take too many; the part then stays as it was.
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
