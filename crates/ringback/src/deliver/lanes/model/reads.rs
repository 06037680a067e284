//! What this node reads: rows that were inserted, the feed, top_ups, and the events of what comes next.
//!
//! A read is applied later than it was made, and what it saw may no longer be so.

use rand::{RngExt as _, seq::IteratorRandom as _};

use super::{Model, Read, loaded};
use crate::store::Cursor;

impl Model {
    /// Rows are committed; this node hears of them now, later, or by the feed alone.
    pub(super) fn insert(&mut self) {
        let number = self.lanes.read_started();
        let mut rows = Vec::new();
        for _ in 0..self.rng.random_range(1..6) {
            let due = self.some_row();
            self.rows.insert(due.id, due.clone());
            let event = if self.chance(0.5) { Some(loaded(&due)) } else { None };
            rows.push((due, event));
        }
        if self.chance(0.2) {
            rows.clear();
        }
        self.inserts.push(Read { number, rows, top_up: None });
    }

    pub(super) fn apply_insert(&mut self) {
        if !self.inserts.is_empty() {
            let index = self.rng.random_range(0..self.inserts.len());
            let read = self.inserts.swap_remove(index);
            self.apply(read);
        }
    }

    /// Begins a read, or ends the one under way.
    pub(super) fn feed(&mut self) {
        if let Some(read) = self.feed.take() {
            return self.apply(read);
        }
        let top_up = self.lanes.take_top_ups(1).pop();
        let number = self.lanes.read_started();
        let (rows, top_up) = match top_up {
            Some((lane, cursor)) => {
                let rows = self.due_after(cursor, 300, |due| due.lane == lane);
                let rest = if self.chance(0.05) { Some(cursor) } else { None };
                match rest {
                    // The read fails.
                    Some(_) => (Vec::new(), Some((lane, rest))),
                    None => {
                        let rest = rows.last().filter(|_| rows.len() == 300).map(Cursor::at);
                        (rows, Some((lane, rest)))
                    }
                }
            }
            None => {
                if !self.lanes.take_fresh().is_empty() {
                    self.cursor = Cursor::START;
                }
                let owned = self.lanes.owned;
                let rows = self.due_after(self.cursor, 100, |due| owned[usize::from(due.lane.shard())].is_some());
                self.cursor = rows.last().filter(|_| rows.len() == 100).map_or(Cursor::START, Cursor::at);
                (rows, None)
            }
        };
        let rows = rows.into_iter().map(|due| (due, None)).collect();
        self.feed = Some(Read { number, rows, top_up });
    }

    fn apply(&mut self, read: Read) {
        self.lanes.admit(read.number, read.rows, &self.directory, self.clock(), self.now);
        self.lanes.read_applied(read.number);
        if let Some((lane, rest)) = read.top_up {
            self.lanes.topped_up(lane, rest);
        }
    }

    pub(super) fn finish_reads(&mut self) {
        for read in self.inserts.drain(..).chain(self.feed.take()).collect::<Vec<_>>() {
            self.apply(read);
        }
    }

    /// Reads of events are asked for whenever something is picked, and end later; not each brings what it should.
    pub(super) fn look_ahead(&mut self) {
        let ahead = self.lanes.look_ahead();
        if !ahead.is_empty() {
            self.aheads.push(ahead);
        }
    }

    pub(super) fn looked_ahead(&mut self) {
        let Some(index) = (0..self.aheads.len()).choose(&mut self.rng) else { return };
        let ahead = self.aheads.swap_remove(index);
        let rows = ahead.iter().flat_map(|(_, rows)| rows);
        let found = rows.filter_map(|row| self.rows.get(row)).map(|due| (due.id.event(), loaded(due)));
        let events = found.collect::<Vec<_>>().into_iter().filter(|_| self.rng.random_bool(0.9)).collect();
        self.lanes.looked_ahead(&ahead, &events);
    }
}
