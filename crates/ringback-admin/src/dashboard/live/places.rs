//! How many streams there may be: each takes a connection of the listener, and asks for its session.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

/// Streams of one node: an eighth of the connections that its listener takes by default.
const ALL_MAX: usize = 128;

/// Streams of one session, or of one person whom the host application names: more windows than anybody looks at.
const OF_SESSION_MAX: usize = 6;

/// The streams that are open.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_session: HashMap<String, usize>,
}

/// The place of one stream, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    session: Option<String>,
}

impl Places {
    /// A place for a stream, if there is one for all and for its session. Without a session nobody knows how many are one
    /// person's.
    pub(super) fn take(self: &Arc<Self>, session: Option<String>) -> Option<Place> {
        let mut taken = self.0.lock();
        if taken.all >= ALL_MAX {
            return None;
        }
        if let Some(session) = &session {
            let of_session = taken.by_session.entry(session.clone()).or_default();
            if *of_session >= OF_SESSION_MAX {
                return None;
            }
            *of_session += 1;
        }
        taken.all += 1;
        drop(taken);
        Some(Place { places: Arc::clone(self), session })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        taken.all -= 1;
        let Some(session) = &self.session else { return };
        if let Some(count) = taken.by_session.get_mut(session) {
            *count -= 1;
            if *count == 0 {
                taken.by_session.remove(session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_streams_of_a_session_and_of_all() {
        let places = Arc::new(Places::default());
        let take = |session: &str| places.take(Some(session.to_owned()));
        let mut mine: Vec<_> = (0..OF_SESSION_MAX).filter_map(|_| take("mine")).collect();
        assert_eq!(mine.len(), OF_SESSION_MAX);
        assert!(take("mine").is_none());
        let others: Vec<_> = (0..ALL_MAX).filter_map(|number| take(&number.to_string())).collect();
        assert_eq!(others.len(), ALL_MAX - OF_SESSION_MAX);
        assert!(take("late").is_none() && places.take(None).is_none());
        mine.pop();
        drop(take("late").expect("a place that was given back"));
        drop((mine, others));
        assert_eq!(places.0.lock().by_session.len(), 0, "nobody is remembered who has gone");
    }
}
