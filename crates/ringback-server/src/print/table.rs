//! Columns that line up.

use super::{line, plain};

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with its headings.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    /// Adds a row; foreign text is made harmless.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| plain(&cell)));
    }

    /// Prints it, two spaces between columns, nothing after the last.
    pub(crate) fn print(&self) {
        self.lines().into_iter().for_each(line);
    }

    fn lines(&self) -> Vec<String> {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        let padded = |row: &[String; N]| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(padded).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_foreign_text_is_harmless() {
        let mut table = Table::new(["TYPE", "KEY"]);
        table.row(["CALL_ENDED".to_owned(), "call-1".to_owned()]);
        table.row(["x".to_owned(), "a\u{1b}b".to_owned()]);
        assert_eq!(table.lines(), ["TYPE        KEY", "CALL_ENDED  call-1", "x           a\u{fffd}b"]);
    }
}
