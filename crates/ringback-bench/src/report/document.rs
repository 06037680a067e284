//! A run as JSON.

use std::path::Path;

use serde::Serialize;

use super::row::Row;
use crate::{
    failure::{Result, While as _},
    measure::machine::Machine,
};

/// Everything that a run says.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    pub(crate) machine: &'a Machine,
    /// When it ended, in seconds since 1970.
    pub(crate) at: i64,
    pub(crate) rows: &'a [Row],
}

impl Document<'_> {
    /// Writes it to a file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").during(&format!("writing {}", path.display()))
    }
}
