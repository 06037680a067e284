//! A door that a test opens: what waits before it continues at that moment and not after some time.

use tokio::sync::watch;

/// Closed until [`Gate::open`]; clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everyone pass, from now on.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is open.
    pub async fn passed(&self) {
        // It cannot be closed for good while `self` holds its sender.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
