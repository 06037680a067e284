//! The idle connections of one lane.
//!
//! A connection is reused only by the lane that opened it, for the host and the identity it was opened for, at most 4 s after its last
//! answer. It is reused only while it is younger than the sender's `connection_max_age`, so that also a busy lane notices
//! that its receiver has moved. The connection used last is taken first, so that surplus ones grow old and close.
//! Nothing here retries: an attempt that has written a byte over a connection ends with that connection.

use std::collections::VecDeque;

use parking_lot::Mutex;
use url::Url;

use super::connection::Connection;
use crate::egress::Identity;

/// One lane's idle connections.
#[derive(Default)]
pub struct Connections {
    stack: Mutex<Stack>,
}

#[derive(Default)]
struct Stack {
    generation: u64,
    idle: VecDeque<Connection>,
}

impl Connections {
    /// Closes idle connections, and those in use as soon as their answer has been read: for when the endpoint has changed.
    pub fn clear(&self) {
        let mut stack = self.stack.lock();
        stack.generation += 1;
        stack.idle.clear();
    }

    /// An idle connection to the host of `url` that was opened under the same identity and can take a request at once.
    pub(super) fn take(&self, url: &Url, identity: Option<&Identity>) -> Option<Connection> {
        let mut stack = self.stack.lock();
        for index in (0..stack.idle.len()).rev() {
            let kept = &stack.idle[index];
            if kept.is_closed() || kept.is_retired() || !kept.leads_to(url) {
                stack.idle.remove(index);
            } else if kept.is_ready() && kept.is_of(identity) {
                let mut taken = stack.idle.remove(index)?;
                if taken.wake() {
                    return Some(taken);
                }
            }
        }
        None
    }

    /// How many times [`Connections::clear`] was called. A connection belongs to the generation in which opening it began,
    /// and is kept only while that is the present one.
    pub(super) fn generation(&self) -> u64 {
        self.stack.lock().generation
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(super) fn keep(&self, connection: Connection) {
        connection.rest();
        let mut stack = self.stack.lock();
        if stack.generation == connection.generation() {
            if stack.idle.front().is_some_and(|oldest| oldest.is_closed()) {
                stack.idle.pop_front();
            }
            stack.idle.push_back(connection);
        }
    }
}
