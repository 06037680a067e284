//! While the events of a page are recorded: which of them are locked, by trying ever smaller parts, and which wait for those.

use tokio::time::Instant;

use super::aside::{Aside, LOOKED_FOR, Names, part_locked};
use crate::store::{self, Pointer, RoutedEvent};

/// What is known of locks while events are recorded.
pub(super) struct Locked<'a> {
    pub(super) aside: &'a mut Aside,
    /// Names of those of these events that wait.
    names: Names,
    /// When the router stops looking for the events that are locked.
    looked_for_until: Option<Instant>,
}

impl<'a> Locked<'a> {
    pub(super) fn on(aside: &'a mut Aside) -> Self {
        Self { aside, names: Names::default(), looked_for_until: None }
    }

    /// Lets events wait; if too many do, the whole outbox waits, for `why`.
    pub(super) fn wait(
        &mut self,
        mut events: impl Iterator<Item = Pointer>,
        why: Option<store::Error>,
    ) -> store::Result<()> {
        if events.all(|pointer| self.aside.put(pointer)) {
            return Ok(());
        }
        Err(why.unwrap_or_else(|| store::Error::Locked("too many events wait for locks".into())))
    }

    /// Those of a part that need not wait behind others. The others wait.
    pub(super) fn pass(&mut self, part: Vec<RoutedEvent>) -> store::Result<Vec<RoutedEvent>> {
        if self.names.are_none() {
            return Ok(part);
        }
        let (pass, behind): (Vec<_>, Vec<_>) = part.into_iter().partition(|routed| {
            let waits = self.names.has_one_of(&routed.event);
            if waits {
                self.names.add(&routed.event);
            }
            !waits
        });
        self.wait(behind.iter().map(|routed| routed.pointer), None)?;
        Ok(pass)
    }

    /// A part could not be recorded since others hold locks: returns its parts, which are to be tried apart, or lets it wait.
    pub(super) fn met(&mut self, part: Vec<RoutedEvent>, error: store::Error) -> store::Result<Vec<Vec<RoutedEvent>>> {
        let until = *self.looked_for_until.get_or_insert_with(|| Instant::now() + LOOKED_FOR);
        if part.len() > 1 && Instant::now() < until {
            let (first, second) = part_locked(part);
            return Ok(vec![first, second]);
        }
        if let Some(first) = part.first().filter(|first| !self.aside.has(first.pointer)) {
            let (event, count) = (first.event.id, part.len());
            tracing::warn!(%event, count, %error, "others hold locks that routing needs; from this event on, so many wait");
        }
        part.iter().for_each(|routed| self.names.add(&routed.event));
        self.wait(part.iter().map(|routed| routed.pointer), Some(error))?;
        Ok(Vec::new())
    }
}
