//! A condition on an event, in the Common Expression Language: <https://github.com/google/cel-spec>.
//!
//! ```text
//! parse      the `cel` crate's parser, bounded in bytes, nesting and nodes        compile
//! compile    its tree -> a program: names, functions and patterns are known      compile, program
//! judge      program and event -> yes, no, or why that cannot be said            judge, value, functions
//! ```
//!
//! The crate's own interpreter can be stopped by nothing, and a few characters (`[1,2].all(a, [1,2].all(b, …))`) would have
//! it compute for years. So programs are judged here, and every step costs from a budget.

mod compile;
mod functions;
mod judge;
mod program;
mod value;

use std::{
    cell::{Cell, OnceCell},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use self::program::Program;
use crate::event::Event;

/// Longest text of a filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 2 * 1024;

/// Most steps of one filter about one event. A step takes some ten nanoseconds, so that is some milliseconds.
const STEPS_MAX: u64 = 200_000;

/// Most steps of all filters about one event: a tenant may have thousands of endpoints, and each a filter.
const STEPS_OF_EVENT_MAX: u64 = 1_000_000;

/// Reading a payload takes so many times as long as passing over it.
const READING: usize = 4;

/// A filter.
#[derive(Clone)]
pub struct Filter {
    text: String,
    /// Why it cannot be run, if it was stored by a program that knew more.
    program: Result<Arc<Program>, Malformed>,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} (line {line}, column {column})")]
pub struct Malformed {
    /// What is wrong.
    pub why: String,
    /// Where: the line, from 1.
    pub line: u32,
    /// And the character in it, from 1.
    pub column: u32,
}

/// Why a filter says neither yes nor no about an event. Such an event goes through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// It would take too long.
    #[error("it takes more than the steps that a filter may take")]
    TooLong,
    /// The payload cannot be read as JSON with finite numbers and whole characters.
    #[error("the payload cannot be read: it is no JSON, or has a number or a character that no program can hold")]
    Unreadable,
    /// Something in it has no value.
    #[error("{0}")]
    NoValue(String),
}

/// What filters are about: one event. Its payload is read when the first of them asks for it.
pub struct Facts<'e> {
    event_type: &'e str,
    key: &'e str,
    tenant: &'e str,
    payload: Option<&'e [u8]>,
    read: OnceCell<Option<Json>>,
    /// The steps that all filters about the event have left.
    left: Cell<u64>,
}

impl<'e> Facts<'e> {
    /// An event, with its payload if a filter is to read it.
    #[must_use]
    pub fn of(event: &'e Event, payload: Option<&'e [u8]>) -> Self {
        Self::new(&event.event_type, event.key.as_deref(), &event.tenant, payload)
    }

    /// An event that is none yet.
    #[must_use]
    pub fn new(event_type: &'e str, key: Option<&'e str>, tenant: &'e str, payload: Option<&'e [u8]>) -> Self {
        let left = Cell::new(STEPS_OF_EVENT_MAX);
        Self { event_type, key: key.unwrap_or_default(), tenant, payload, read: OnceCell::new(), left }
    }

    fn payload(&self) -> Result<&Json, Failed> {
        let read = || self.payload.and_then(|bytes| serde_json::from_slice(bytes).ok());
        self.read.get_or_init(read).as_ref().ok_or(Failed::Unreadable)
    }
}

impl Filter {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let program = compile::compile(text)?;
        Ok(Self { text: text.to_owned(), program: Ok(Arc::new(program)) })
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Why it cannot be run, if it cannot.
    pub(super) fn wrong(&self) -> Option<&Malformed> {
        self.program.as_ref().err()
    }

    /// Whether it says that the event is wanted.
    ///
    /// # Errors
    /// When it says neither yes nor no: then the event is wanted, too.
    pub fn judge(&self, facts: &Facts<'_>) -> Result<bool, Failed> {
        let program = self.program.as_ref().map_err(|wrong| Failed::NoValue(wrong.to_string()))?;
        let most = facts.left.get().min(STEPS_MAX);
        let (said, spent) = judge::judge(program, facts, most);
        facts.left.set(facts.left.get() - spent.min(most));
        said
    }
}

/// The work of judging a payload of so many bytes by so many filters, in bytes that could be processed in the same time.
pub(crate) fn effort(filters: usize, payload: usize) -> usize {
    /// An ordinary filter: some hundred steps.
    const OF_FILTER: usize = 1_024;
    payload.saturating_mul(READING).saturating_add(filters.saturating_mul(OF_FILTER))
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for Filter {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Any text: one that cannot be run lets everything through, and must not make its endpoint unreadable.
impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let program = compile::compile(&text).map(Arc::new);
        Ok(Self { text, program })
    }
}

#[cfg(test)]
mod tests;
