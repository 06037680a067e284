//! Many rows as two arguments: a JSON array for `json_each`, and one blob that their long values are cut from.
//!
//! Payloads and attempts' documents are bytes, which JSON cannot have; as hex they would double in size. So a row says where
//! in the blob its value is, and the statement takes it out with `substr`.

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// An id as `unhex` reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hex(pub(crate) Uuid);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.simple())
    }
}

/// Rows as JSON text.
pub(crate) fn json<T: Serialize>(rows: &[T]) -> sqlx::Result<String> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The blob: long values one after the other.
pub(crate) struct Heap(Vec<u8>);

impl Heap {
    /// Begins with one byte: of an empty blob, `substr` with length 0 would be NULL.
    pub(crate) fn new() -> Self {
        Self(vec![0])
    }

    /// Adds a value; returns where it begins, counted from 1 as in `substr`, and its length.
    pub(crate) fn keep(&mut self, value: &[u8]) -> (usize, usize) {
        let at = self.0.len() + 1;
        self.0.extend_from_slice(value);
        (at, value.len())
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
