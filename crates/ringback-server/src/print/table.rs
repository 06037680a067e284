//! Columns that line up, also where a character takes two columns of the terminal, or none.

use unicode_width::UnicodeWidthStr as _;

use super::{Paint, Tone, line, plain};

/// The colour of a cell, by what it says.
type Toning = fn(&str) -> Tone;

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    headings: [&'static str; N],
    rows: Vec<[String; N]>,
    tones: [Option<Toning>; N],
    is_shown: [bool; N],
}

impl<const N: usize> Table<N> {
    /// A table with its headings.
    pub(crate) fn new(headings: [&'static str; N]) -> Self {
        Self { headings, rows: Vec::new(), tones: [None; N], is_shown: [true; N] }
    }

    /// The cells under this heading are coloured by what they say.
    pub(crate) fn toned(mut self, heading: &str, tone: Toning) -> Self {
        if let Some(column) = self.column(heading) {
            self.tones[column] = Some(tone);
        }
        self
    }

    /// The column under this heading is shown only if `is_shown`.
    pub(crate) fn only_if(mut self, heading: &str, is_shown: bool) -> Self {
        if let Some(column) = self.column(heading) {
            self.is_shown[column] = is_shown;
        }
        self
    }

    fn column(&self, heading: &str) -> Option<usize> {
        self.headings.iter().position(|each| each.trim_start() == heading)
    }

    /// Adds a row; foreign text is made harmless.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| plain(&cell)));
    }

    /// Prints it, two spaces between columns, nothing after the last.
    pub(crate) fn print(&self) {
        self.lines(Paint::stdout()).into_iter().for_each(line);
    }

    /// Its lines, for a screen that is drawn as a whole.
    pub(crate) fn lines(&self, paint: Paint) -> Vec<String> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].width());
            cells.chain([self.headings[column].width()]).max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let headings = std::array::from_fn(|column| (self.headings[column], Tone::Strong));
        let rows = self.rows.iter().map(|row| {
            std::array::from_fn(|column| {
                let cell = row[column].as_str();
                (cell, self.tones[column].map_or(Tone::Plain, |tone| tone(cell)))
            })
        });
        std::iter::once(headings).chain(rows).map(|cells| self.padded(cells, widths, paint)).collect()
    }

    fn padded(&self, cells: [(&str, Tone); N], widths: [usize; N], paint: Paint) -> String {
        let (mut told, mut gap) = (String::new(), 0);
        for (column, (cell, tone)) in cells.into_iter().enumerate().filter(|(column, _)| self.is_shown[*column]) {
            if !cell.is_empty() {
                told.extend(std::iter::repeat_n(' ', gap));
                told += &if tone == Tone::Plain { cell.to_owned() } else { paint.toned(tone, cell) };
                gap = 0;
            }
            gap += widths[column] - cell.width() + 2;
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<const N: usize>(headings: [&'static str; N], rows: &[[&str; N]]) -> Table<N> {
        let mut table = Table::new(headings);
        rows.iter().for_each(|row| table.row(row.map(str::to_owned)));
        table
    }

    #[test]
    fn columns_line_up_and_foreign_text_is_harmless() {
        let table = told(["TYPE", "KEY"], &[["CALL_ENDED", "call-1"], ["x", "a\u{1b}b"], ["", "c"], ["d", ""]]);
        let lines = ["TYPE        KEY", "CALL_ENDED  call-1", "x           a\u{fffd}b", "            c", "d"];
        assert_eq!(table.lines(Paint::never()), lines);
    }

    #[test]
    fn columns_line_up_by_what_characters_take_on_a_terminal() {
        let table = told(["KEY", "TO"], &[["通話", "a"], ["e\u{301}", "b"], ["call-1", "c"]]);
        assert_eq!(table.lines(Paint::never()), ["KEY     TO", "通話    a", "e\u{301}       b", "call-1  c"]);
    }

    #[test]
    fn colours_move_no_column_and_columns_can_be_left_out() {
        let rows = [["dead", "acme", "a"], ["delivered", "globex", "b"]];
        let tone = |status: &str| if status == "dead" { Tone::Bad } else { Tone::Plain };
        let table = told(["STATUS", "TENANT", "TO"], &rows).toned("STATUS", tone).only_if("TENANT", false);
        assert_eq!(table.lines(Paint::never()), ["STATUS     TO", "dead       a", "delivered  b"]);
        let coloured = table.lines(Paint::always());
        assert_eq!(coloured[1], "\u{1b}[31mdead\u{1b}[0m       a");
        assert_eq!(coloured[2], "delivered  b");
    }
}
