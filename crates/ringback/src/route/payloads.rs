//! The payloads of events that a filter is to be asked about, read some at a time: those of a whole page could be large, and
//! events that no filter is asked about need none.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::fan_out::filters_for;
use crate::{
    directory::Directory,
    id::EventId,
    store::{self, SharedStore, UnroutedEvent},
};

/// So many are read at once, 32 MiB at most with the usual bound of a payload.
const AT_ONCE: usize = 32;

/// Payloads, in the order of their events.
#[derive(Debug, Default)]
pub(super) struct Payloads {
    wanted: VecDeque<EventId>,
    read: HashMap<EventId, Bytes>,
}

impl Payloads {
    /// Those of these events that a filter is to be asked about; none is read yet.
    pub(super) fn of(events: &[UnroutedEvent], directory: &Directory) -> Self {
        let wanted = events.iter().filter(|unrouted| filters_for(&unrouted.event, directory) > 0);
        Self { wanted: wanted.map(|unrouted| unrouted.event.id).collect(), read: HashMap::new() }
    }

    /// The payload of the next event; `None` if no filter is to be asked about it, or it is kept no more.
    pub(super) async fn next(&mut self, event: EventId, store: &SharedStore) -> store::Result<Option<Bytes>> {
        if self.wanted.front() == Some(&event) {
            let ids: Vec<_> = self.wanted.drain(..AT_ONCE.min(self.wanted.len())).collect();
            let read = store.load_events(&ids).await?;
            self.read = read.into_iter().filter_map(|loaded| Some((loaded.event.id, loaded.payload?))).collect();
        }
        Ok(self.read.remove(&event))
    }
}
